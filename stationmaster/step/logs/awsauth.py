"""Sign requests to S3 and find the credentials for it, with nothing but the standard library.

The log of a step is carried by a small process beside it: importing boto3 there would cost each
step 0.3 seconds of CPU and 35 MB. Signature Version 4 is described in
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AwsCredentials", "CredentialSource", "canonical_query", "signed_headers"]

UNSIGNED: Final = "UNSIGNED-PAYLOAD"
_RENEW_SECONDS: Final = 300.0
_TIMEOUT_SECONDS: Final = 5.0
_ECS_ADDRESS: Final = "http://169.254.170.2"


@dataclass(frozen=True)
class AwsCredentials:
    """Hold one key pair; it is of no use after `expires_at` (seconds since 1970)."""

    access_key: str
    secret_key: str
    session_token: str = ""
    expires_at: float = float("inf")


class CredentialSource:
    """Find credentials where AWS's own tools do, and renew them before they expire.

    Order: variables, a web identity (IRSA), a container's role (EKS Pod Identity, ECS), and, where
    botocore is installed, all that it knows besides (profiles, an instance's role).
    """

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self._variables = os.environ if variables is None else variables
        self._found: AwsCredentials | None = None

    def get(self) -> AwsCredentials:
        """Return valid credentials.

        Raises:
            PermissionError: None were found.
            OSError: The service that gives them out does not answer.
        """
        if self._found is None or time.time() > self._found.expires_at - _RENEW_SECONDS:
            self._found = self._find()
        return self._found

    def _find(self) -> AwsCredentials:
        names = self._variables
        if "AWS_ACCESS_KEY_ID" in names and "AWS_SECRET_ACCESS_KEY" in names:
            return AwsCredentials(
                names["AWS_ACCESS_KEY_ID"],
                names["AWS_SECRET_ACCESS_KEY"],
                names.get("AWS_SESSION_TOKEN", ""),
            )
        if "AWS_WEB_IDENTITY_TOKEN_FILE" in names and "AWS_ROLE_ARN" in names:
            return _from_web_identity(names)
        address = names.get("AWS_CONTAINER_CREDENTIALS_FULL_URI", "")
        if relative := names.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", ""):
            address = _ECS_ADDRESS + relative
        return _from_container(address, names) if address else _from_botocore()


def signed_headers(  # noqa: PLR0913 (the parts of a request that are signed)
    method: str,
    host: str,
    path: str,
    query: Mapping[str, str],
    *,
    region: str,
    credentials: AwsCredentials,
    payload_sha256: str = UNSIGNED,
) -> dict[str, str]:
    """Return the headers that sign a request to S3 (Signature Version 4).

    Args:
        method: GET, PUT, …
        host: Host and, where it is not the scheme's own, port.
        path: The path as it is sent, quoted already.
        query: Parameters, not quoted.
        region: Such as eu-west-2.
        credentials: Whose signature.
        payload_sha256: Hex digest of the body.
    """
    now = dt.datetime.now(dt.UTC)
    headers = {
        "host": host,
        "x-amz-content-sha256": payload_sha256,
        "x-amz-date": f"{now:%Y%m%dT%H%M%SZ}",
    }
    if credentials.session_token:
        headers["x-amz-security-token"] = credentials.session_token
    names = ";".join(sorted(headers))
    request = "\n".join(
        [
            method,
            path,
            canonical_query(query),
            *(f"{name}:{headers[name]}" for name in sorted(headers)),
            "",
            names,
            payload_sha256,
        ]
    )
    scope = f"{now:%Y%m%d}/{region}/s3/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{scope}\n{digest}"
    key = f"AWS4{credentials.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    return headers


def canonical_query(query: Mapping[str, str]) -> str:
    """Return parameters sorted and quoted, as they are signed and as they are sent."""
    return "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in sorted(query.items()))


def _from_web_identity(names: Mapping[str, str]) -> AwsCredentials:
    with open(names["AWS_WEB_IDENTITY_TOKEN_FILE"], encoding="utf-8") as file:  # noqa: PTH123 (a path by AWS's rules)
        token = file.read().strip()
    region = names.get("AWS_REGION", names.get("AWS_DEFAULT_REGION", "us-east-1"))
    query = urlencode(
        {
            "Action": "AssumeRoleWithWebIdentity",
            "Version": "2011-06-15",
            "RoleArn": names["AWS_ROLE_ARN"],
            "RoleSessionName": names.get("AWS_ROLE_SESSION_NAME", "stationmaster-step"),
            "WebIdentityToken": token,
        }
    )
    endpoint = names.get("AWS_ENDPOINT_URL_STS", f"https://sts.{region}.amazonaws.com")
    answer = _get_json(f"{endpoint}/?{query}", {"Accept": "application/json"})
    found = answer["AssumeRoleWithWebIdentityResponse"]["AssumeRoleWithWebIdentityResult"]
    keys = found["Credentials"]
    return AwsCredentials(
        keys["AccessKeyId"],
        keys["SecretAccessKey"],
        keys["SessionToken"],
        float(keys["Expiration"]),
    )


def _from_container(address: str, names: Mapping[str, str]) -> AwsCredentials:
    token = names.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
    if file_name := names.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", ""):
        with open(file_name, encoding="utf-8") as file:  # noqa: PTH123 (a path by AWS's rules)
            token = file.read().strip()
    keys = _get_json(address, {"Authorization": token} if token else {})
    expires = dt.datetime.fromisoformat(keys["Expiration"])
    return AwsCredentials(
        keys["AccessKeyId"], keys["SecretAccessKey"], keys["Token"], expires.timestamp()
    )


def _from_botocore() -> AwsCredentials:
    try:
        from botocore.session import get_session  # noqa: PLC0415 (rare, heavy, often not there)
    except ImportError:
        keys = None
    else:
        keys = get_session().get_credentials()
    if keys is None:
        message = (
            "no credentials for S3: expected AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a "
            "role (IRSA, Pod Identity), got none. Give the step's service account a role."
        )
        raise PermissionError(message)
    frozen = keys.get_frozen_credentials()
    return AwsCredentials(
        str(frozen.access_key),
        str(frozen.secret_key),
        frozen.token or "",
        time.time() + 2 * _RENEW_SECONDS if frozen.token else float("inf"),
    )


def _get_json(address: str, headers: Mapping[str, str]) -> dict[str, Any]:
    from urllib.request import Request, urlopen  # noqa: PLC0415 (only with a role)

    request = Request(address, headers=dict(headers))  # noqa: S310 (addresses that AWS gave us)
    with urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 (as above)
        document: dict[str, Any] = json.load(answer)
    return document
