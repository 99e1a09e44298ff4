"""`spec.cleanup`: what becomes of what the run created and of what it found out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from raysim.core.config.base import Flag, Part, PositiveDuration, Url, unknown_placeholders

if TYPE_CHECKING:
    from collections.abc import Iterator


class ObjectStoreSpec(Part):
    """An S3-compatible store; its credentials come from the usual AWS variables."""

    endpoint_url: Url | None = Field(
        None, description="address of the store; AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, else AWS by default"
    )
    ca_file: str | None = Field(
        None, description="certificates to trust, PEM; AWS_CA_BUNDLE, else the usual ones by default"
    )
    path_style: Flag = Field(
        default=False, description="whether buckets are in the path; where there is an endpoint address, they are"
    )


class CleanupSpec(Part):
    """What becomes of tenants, results, metrics and logs."""

    on_completion: Flag = Field(
        default=True,
        description="whether keys are revoked and tenants removed at the end; on, so that nothing is left behind",
    )
    retain_metrics: Flag = Field(
        default=True, description="whether pushed metrics stay in the Pushgateway after the run"
    )
    export_results_to: str | None = Field(
        None,
        description="where results are copied to while the run goes on, such as s3://bucket/{testRunId}/ or a folder; "
        "without {testRunId} each run gets a folder below; nowhere by default",
    )
    retain_logs: Flag = Field(
        default=True, description="whether logs stay in the run's directory, and go with the results"
    )
    log_export_path: str | None = Field(
        None, description="where logs are copied to at the end, as for exportResultsTo; nowhere by default"
    )
    object_store: ObjectStoreSpec = Field(
        default_factory=ObjectStoreSpec, description="the store behind s3:// addresses"
    )
    timeout: PositiveDuration = Field(
        300.0, description="longest clean-up, in seconds once read; what is left then is listed with what finishes it"
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """Addresses that are none."""
        for key, value in (("exportResultsTo", self.export_results_to), ("logExportPath", self.log_export_path)):
            if value is None:
                continue
            unknown = unknown_placeholders(value, ("testRunId",))
            scheme, separator, rest = value.partition("://")
            if unknown:
                yield key, f"found {', '.join(unknown)}; expected only {{testRunId}}"
            elif separator and "@" in rest.partition("/")[0]:
                # not shown: what stands before it may be a key
                yield key, "an address must not hold credentials; they are read from the environment or the role"
            elif separator and (scheme != "s3" or not rest.partition("/")[0]):
                yield key, f"found {value!r}; expected s3://bucket/{{testRunId}}/ or a folder"
        if self.export_results_to and self.log_export_path:
            results, logs = (url.rstrip("/") for url in (self.export_results_to, self.log_export_path))
            if results == logs:
                yield (
                    "logExportPath",
                    "is where the results go, and logs with them; leave it out, or name another place",
                )
