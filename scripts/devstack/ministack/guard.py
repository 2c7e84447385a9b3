# Restricts MiniStack to requests that are signed with the secret of its run.
#
# Even with AUTH=true, MiniStack 1.5 does not check signatures made in the name of the account's
# root, whose key is known; it makes buckets without authentication; its own paths
# (/_ministack/reset) require none; and it gives functions credentials that can be computed from
# their names. A page of any site, open in a browser on the same machine, could make it run a
# program. So every request is checked here before MiniStack handles it: its Host, and then its
# signature in a header or presigned link. MiniStack checks the permissions of roles afterwards.
import hashlib
import hmac
import json
import os
import urllib.parse
from http.server import BaseHTTPRequestHandler

from ministack import app
from ministack.core import iam_evaluator, lambda_runtime, sigv4

SECRET = os.environ["AWS_SECRET_ACCESS_KEY"]
HOSTS = ("127.0.0.1", "localhost")  # with any port: a request through a proxy is signed for the proxy's port

# The stack uses these two without a signature, below a path that only it can compute. Requests to
# the API are passed on unchanged, so they have the Host and Origin of the client.
INTERNAL = "/" + hashlib.sha256(f"internal {SECRET}".encode()).hexdigest()
INTERNAL_PATHS = ("/_ministack/health", "/_aws/execute-api/")

MAX_BODY = 128 << 20  # bytes of a request whose body is part of its signature, such as the code of a function

served = app.app


class Refused(Exception):
    pass


async def guard(scope, receive, send):
    if scope["type"] == "lifespan":
        await served(scope, receive, send)
        return
    try:
        scope, receive = await judge(scope, receive)
    except Exception as error:  # Refused, or any error from invalid input
        await refuse(scope, send, str(error) if isinstance(error, Refused) else repr(error))
        return
    await served(scope, receive, send)


async def judge(scope, receive):
    """Returns the scope and receive for MiniStack; raises Refused for a request that is not allowed."""
    if scope["type"] != "http":
        raise Refused("WebSockets are not supported")
    path, raw_path = scope["path"], scope["raw_path"].decode("ascii")
    if hmac.compare_digest(path[: len(INTERNAL)].encode(), INTERNAL.encode()):
        rest = path[len(INTERNAL) :]
        if not rest.startswith(INTERNAL_PATHS):
            raise Refused("no such path")
        return {**scope, "path": rest, "raw_path": scope["raw_path"][len(INTERNAL) :]}, receive

    headers = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), sigv4.decode_header_value(value)
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    if headers.get("host", "").rpartition(":")[0] not in HOSTS:
        raise Refused("the Host is not this machine")
    if raw_path.startswith("/_") or path.startswith("/_") or path == "/health":
        raise Refused("no such path")

    method = scope["method"]
    query = urllib.parse.parse_qs(scope["query_string"].decode(), keep_blank_values=True)
    if "X-Amz-Signature" in query:
        link(method, path, raw_path, query, headers)
        return scope, receive
    if method == "OPTIONS" or any(h in headers for h in ("origin", "referer", "sec-fetch-site")):
        raise Refused("browsers may only use presigned links")
    signature, body = authorization(headers), b""
    if "x-amz-content-sha256" not in headers:
        body, receive = await read(receive)
    check(signature, method, raw_path, query, headers, body)
    return scope, receive


def link(method, path, raw_path, query, headers):
    """Raises Refused unless the request uses a presigned link to an object, or is a preflight for one."""
    signature = sigv4.parse_query_signature(query)
    if isinstance(signature, tuple):
        raise Refused(signature[1])
    if "authorization" in headers or query.get("X-Amz-Algorithm") != ["AWS4-HMAC-SHA256"] or signature.service != "s3":
        raise Refused("presigned links must be for objects in S3, signed with AWS4-HMAC-SHA256")
    if method == "OPTIONS":
        if "origin" not in headers or headers.get("access-control-request-method") not in ("GET", "HEAD", "PUT"):
            raise Refused("this preflight is not allowed")
        # For any other path MiniStack responds that everything is allowed.
        bucket, key = app._s3_cors_target(headers["host"], path) or ("", "")
        if not bucket or not key or app.detect_service(method, path, headers, query) != "s3":
            raise Refused("this preflight is not allowed")
        return  # a preflight can't be checked by its signature; the bucket's CORS rules apply
    if method not in ("GET", "HEAD", "PUT"):
        raise Refused("presigned links are only for GET, HEAD and PUT")
    if sigv4.presigned_request_is_expired(signature.amz_date, query["X-Amz-Expires"][0]):
        raise Refused("Request has expired")
    check(signature, method, raw_path, query, headers, b"", presigned=True)


def authorization(headers):
    """Returns the signature in the header. It is not checked yet, because that may require the body."""
    signature = sigv4.parse_header_signature(headers)
    if isinstance(signature, tuple):
        raise Refused(signature[1])
    if not headers["authorization"].startswith("AWS4-HMAC-SHA256 "):
        raise Refused("requests must be signed with AWS4-HMAC-SHA256")
    skewed = sigv4.request_time_failure(signature)
    if skewed:
        raise Refused(skewed[1])
    return signature


def check(signature, method, raw_path, query, headers, body, presigned=False):
    # S3 requires this and MiniStack does not: with x-amz-copy-source a link for writing could be used to read.
    signed = signature.signed_headers.split(";")
    for name in headers:
        if name.startswith("x-amz-") and name not in signed:
            raise Refused(f"the header {name} is not signed")
    token = query.get("X-Amz-Security-Token", [""])[0] if presigned else headers.get("x-amz-security-token", "")
    credential = iam_evaluator.resolve_credential(signature.access_key_id, None, token)
    if isinstance(credential, iam_evaluator.CredentialResolutionError):
        raise Refused(credential.message)
    failure = sigv4.header_signature_failure(
        signature, credential.secret_access_key, method, raw_path, query, headers, body, presigned=presigned
    )
    if failure:
        raise Refused(failure[1])


async def read(receive):
    """Returns the body, and a receive that returns it again."""
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Refused("the client disconnected")
        chunks.append(message.get("body", b""))
        size, more = size + len(chunks[-1]), message.get("more_body", False)
        if size > MAX_BODY:
            raise Refused("the body is too large")
    messages = [{"type": "http.request", "body": b"".join(chunks), "more_body": False}]

    async def again():
        return messages.pop() if messages else await receive()

    return messages[0]["body"], again


async def refuse(scope, send, why):
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    kind = dict(scope["headers"]).get(b"content-type", b"")
    if b"json" in kind:
        kind, body = b"application/json", json.dumps({"__type": "AccessDenied", "message": why}).encode()
    else:
        kind, body = b"application/xml", b"<Error><Code>AccessDenied</Code><Message>%s</Message></Error>" % (
            why.replace("&", "&amp;").replace("<", "&lt;").encode()
        )
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})


app.app = guard


# MiniStack derives functions' credentials only from the ARNs of function and role.
def execution_credentials(config, plain=lambda_runtime.execution_credentials):
    return plain({**config, "FunctionArn": f"{config['FunctionArn']}:{SECRET}"})


lambda_runtime.execution_credentials = execution_credentials


# Each function's process has a runtime API on its own port, and any program that requests the next
# event takes it away from the function. Programs in Go set this User-Agent. A page can't set it
# without a preflight, which fails, and the check of Host also excludes DNS rebinding.
def parse_request(self, plain=BaseHTTPRequestHandler.parse_request):
    if not plain(self):
        return False
    host, port = self.server.server_address[:2]
    agent = self.headers.get("User-Agent", "")
    if self.headers.get_all("Host") != [f"{host}:{port}"] or not agent.startswith("aws-lambda-go/"):
        self.close_connection = True
        self.send_error(403)
        return False
    return True


BaseHTTPRequestHandler.parse_request = parse_request
