"""Where a run's results are copied to."""

from __future__ import annotations

from dataclasses import dataclass

from raysim.core.config.cleanup import CleanupSpec

S3 = "s3://"
_PLACEHOLDER = "{testRunId}"


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """How an S3-compatible store is reached, beyond what the usual AWS variables say; holds no credential.

    `path_style` asks for buckets in the path also where AWS itself is addressed; with an endpoint they always are.
    """

    endpoint_url: str | None = None
    ca_file: str | None = None
    path_style: bool = False


#: all by the usual AWS variables
ENVIRONMENT = StoreSettings()


@dataclass(frozen=True, slots=True)
class Destination:
    """A store for one run. `url` begins with s3://, or is a folder; `settings` matter to the former alone."""

    url: str
    settings: StoreSettings = ENVIRONMENT


@dataclass(frozen=True, slots=True)
class Destinations:
    """Where a scenario wants one run's results and logs; None for nowhere. `with_logs`: logs among results, too."""

    results: Destination | None
    logs: Destination | None
    with_logs: bool = True

    @classmethod
    def of(cls, cleanup: CleanupSpec, run_id: str) -> Destinations:
        """As `spec.cleanup` says."""
        spec = cleanup.object_store
        settings = StoreSettings(spec.endpoint_url, spec.ca_file, spec.path_style)
        wanted = (cleanup.export_results_to, cleanup.log_export_path)
        results, logs = (Destination(for_run(url, run_id), settings) if url else None for url in wanted)
        return cls(results, logs, cleanup.retain_logs)

    def named(self) -> list[tuple[str, Destination]]:
        """What a person calls them, of those that there are."""
        both = (("results store", self.results), ("log store", self.logs))
        return [(name, destination) for name, destination in both if destination is not None]


def is_s3(url: str) -> bool:
    """Whether `url` names an object store rather than a folder."""
    return url.startswith(S3)


def bucket_and_prefix(url: str) -> tuple[str, str]:
    """Bucket of an s3:// address, and what its keys begin with: "" or something that ends with a slash."""
    bucket, _, path = url.removeprefix(S3).partition("/")
    prefix = path.strip("/")
    return bucket, f"{prefix}/" if prefix else ""


def for_run(template: str, run_id: str) -> str:
    """The address of one run's results.

    Where `template` does not say {testRunId}, the run gets a folder of its own below it: no run writes over another's.
    """
    if _PLACEHOLDER in template:
        return template.replace(_PLACEHOLDER, run_id)
    return f"{template.rstrip('/')}/{run_id}/"
