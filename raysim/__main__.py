"""`python -m raysim`, for `ray job submit`, where no console script is installed."""

from raysim.cli.main import main

if __name__ == "__main__":
    main()
