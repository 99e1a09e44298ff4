"""The tenants' life on the platform: created, written down, removed. Does HTTP through `wire`; knows nothing of Ray.

`port` says what a platform must be able to do; each platform is one module beside it.
"""
