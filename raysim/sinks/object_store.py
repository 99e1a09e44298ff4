"""S3 and what speaks its language. The only module that imports boto3.

Credentials come from where boto3 looks for them (the environment, a profile, the role of a pod or machine) and go
nowhere else: no message of this module quotes what a store says beyond its error's code.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
    SSLError,
)

from raysim.core.export.address import Destination, bucket_and_prefix
from raysim.sinks.store import MissingObjectError, Source, StoreError

_CONNECT_S = 5.0
_READ_S = 20.0
#: in all: a request takes 10 s when nobody is there, 45 s at most when somebody takes it and does not answer
_ATTEMPTS = 2
_PART_BYTES = 8 * 1024 * 1024
#: S3-compatible stores do not care; AWS's own client insists on some
_ANY_REGION = "us-east-1"
_SUMS = ("AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_RESPONSE_CHECKSUM_VALIDATION")

_NOT_THERE = frozenset({"404", "NoSuchKey", "NotFound"})
_CREDENTIALS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY where this process runs, or give it a role"
#: error code of the store → what it means, and what to do about it
_MEANINGS = {
    "NoSuchBucket": ("the bucket does not exist", "create it, or correct its name"),
    "AccessDenied": ("access is denied", "grant s3:PutObject, GetObject, DeleteObject and ListBucket there"),
    "403": ("access is denied", "grant s3:PutObject, GetObject, DeleteObject and ListBucket there"),
    "InvalidAccessKeyId": ("the access key is not known there", _CREDENTIALS),
    "SignatureDoesNotMatch": ("the secret key is not the right one", _CREDENTIALS),
    "ExpiredToken": ("the credentials have expired", "renew them"),
    "RequestTimeTooSkewed": ("this machine's clock is wrong", "set the clock"),
}

_FAILURES: tuple[tuple[tuple[type[BaseException], ...], str, str | None], ...] = (
    ((NoCredentialsError, PartialCredentialsError), "there are no credentials", _CREDENTIALS),
    ((SSLError,), "its certificate is not trusted, or it does not speak TLS", "set cleanup.objectStore.caFile"),
    ((ConnectTimeoutError,), f"no connection within {_CONNECT_S:g} s", "is cleanup.objectStore.endpointUrl right?"),
    ((EndpointConnectionError,), "nobody answers there", "is cleanup.objectStore.endpointUrl right, and the store up?"),
    ((ReadTimeoutError,), f"no answer within {_READ_S:g} s", None),
)


class S3Store:
    """A bucket, below a prefix.

    Args:
        destination: address, and how it is reached; the usual AWS variables say the rest.

    Raises:
        StoreError: that is not enough to make a client.
    """

    def __init__(self, destination: Destination) -> None:
        self._bucket, self._prefix = bucket_and_prefix(destination.url)
        self._url = f"s3://{self._bucket}/{self._prefix}"
        self._one_by_one = TransferConfig(multipart_chunksize=_PART_BYTES, use_threads=False)
        with self._errors("reach", ""):
            self._client: Any = _client(destination)

    def put(self, key: str, source: Source) -> None:
        """As the port says; large ones in parts."""
        with self._errors("write", key):
            self._client.upload_fileobj(_Unclosed(source), self._bucket, self._prefix + key, Config=self._one_by_one)

    def get(self, key: str, target: BinaryIO) -> None:
        """As the port says."""
        with self._errors("read", key):
            body = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)["Body"]
            target.writelines(body.iter_chunks(_PART_BYTES))

    def keys(self, prefix: str = "") -> list[str]:
        """As the port says."""
        found = []
        with self._errors("list", prefix):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix + prefix):
                found += [item["Key"].removeprefix(self._prefix) for item in page.get("Contents", ())]
        return sorted(found)

    def delete(self, key: str) -> None:
        """As the port says."""
        with self._errors("delete", key):
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key)

    @contextmanager
    def _errors(self, verb: str, key: str) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            raise self._refused(verb, key, error) from error
        except (BotoCoreError, Boto3Error, OSError, ValueError) as error:
            what, hint = _described(error)
            raise StoreError(f"cannot {verb} {self._url}{key}: {what}", hint=hint) from error

    def _refused(self, verb: str, key: str, error: ClientError) -> StoreError:
        code = str(error.response.get("Error", {}).get("Code", "?"))[:60]
        if code in _NOT_THERE and verb == "read":
            return MissingObjectError(f"there is no {self._url}{key}")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", "?")
        meaning, hint = _MEANINGS.get(code, ("", None))
        said = f"the store answered {status} {code}" + (f": {meaning}" if meaning else "")
        return StoreError(f"cannot {verb} {self._url}{key}: {said}", hint=hint)


class _Unclosed:
    """A stream that boto3 may close without closing what it reads from."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def read(self, size: int = -1) -> bytes:
        """As a file does."""
        return self._source.read(size)


def _client(destination: Destination) -> Any:
    settings = destination.settings
    more: dict[str, Any] = {}
    session = boto3.session.Session()
    endpoint = settings.endpoint_url or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint and not any(name in os.environ for name in _SUMS):
        # older S3-compatible stores refuse the checksums that AWS has introduced; the manifest has its own
        more = {"request_checksum_calculation": "when_required", "response_checksum_validation": "when_required"}
    config = Config(
        connect_timeout=_CONNECT_S,
        read_timeout=_READ_S,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        s3={"addressing_style": "path"} if settings.path_style else None,
        tcp_keepalive=True,
        **more,
    )
    return cast("Any", session).client(
        "s3",
        endpoint_url=settings.endpoint_url,
        verify=settings.ca_file,
        region_name=session.region_name or _ANY_REGION,
        config=config,
    )


def _described(error: BaseException) -> tuple[str, str | None]:
    """What failed on this side or on the way, and what to do about it."""
    for kinds, what, hint in _FAILURES:
        if isinstance(error, kinds):
            return what, hint
    # a vendor's own words may hold what they should not
    said = error.strerror if isinstance(error, OSError) else None
    return said or type(error).__name__, None
