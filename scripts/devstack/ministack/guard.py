# MiniStack serves whoever signs with the secret of its run, and nobody else.
#
# Even with AUTH=true MiniStack 1.5 checks no signature made in the name of the account's root,
# whose key is known; it makes buckets for anybody; its own paths (/_ministack/reset) ask for
# nothing; and it gives functions credentials that follow from their names. A page of any site,
# open in a browser on the same machine, could have it run a program. So every request is judged
# here, before MiniStack sees it: its Host, and then its signature, header or presigned link.
# What MiniStack's roles allow is judged there, afterwards.
import hashlib
import hmac
import json
import os
import urllib.parse
from http.server import BaseHTTPRequestHandler

from ministack import app
from ministack.core import iam_evaluator, lambda_runtime, sigv4

SECRET = os.environ["AWS_SECRET_ACCESS_KEY"]
HOSTS = ("127.0.0.1", "localhost")  # with any port: what comes by way of a proxy is signed for the proxy's

# The stack itself reaches these two without a signature, below a path that only it can form. The
# requests to the API are passed on as they came, hence with the Host and Origin of their client.
INTERNAL = "/" + hashlib.sha256(f"internal {SECRET}".encode()).hexdigest()
INTERNAL_PATHS = ("/_ministack/health", "/_aws/execute-api/")

MAX_BODY = 128 << 20  # of a request that has to be read for its signature: the code of a function

served = app.app


class Refused(Exception):
    pass


async def guard(scope, receive, send):
    if scope["type"] == "lifespan":
        await served(scope, receive, send)
        return
    try:
        scope, receive = await judge(scope, receive)
    except Exception as error:  # a Refused, or whatever odd input leads to
        await refuse(scope, send, str(error) if isinstance(error, Refused) else repr(error))
        return
    await served(scope, receive, send)


async def judge(scope, receive):
    """The scope and receive to go on with; raises Refused where there is no going on."""
    if scope["type"] != "http":
        raise Refused("there are no WebSockets here")
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
        raise Refused("this is another host")
    if raw_path.startswith("/_") or path.startswith("/_") or path == "/health":
        raise Refused("no such path")

    method = scope["method"]
    query = urllib.parse.parse_qs(scope["query_string"].decode(), keep_blank_values=True)
    if "X-Amz-Signature" in query:
        link(method, path, raw_path, query, headers)
        return scope, receive
    if method == "OPTIONS" or any(h in headers for h in ("origin", "referer", "sec-fetch-site")):
        raise Refused("a browser may follow presigned links, and do nothing else")
    signature, body = authorization(headers), b""
    if "x-amz-content-sha256" not in headers:
        body, receive = await read(receive)
    check(signature, method, raw_path, query, headers, body)
    return scope, receive


def link(method, path, raw_path, query, headers):
    """Refuses what is not a presigned link to an object, or the preflight of a request by one."""
    signature = sigv4.parse_query_signature(query)
    if isinstance(signature, tuple):
        raise Refused(signature[1])
    if "authorization" in headers or query.get("X-Amz-Algorithm") != ["AWS4-HMAC-SHA256"] or signature.service != "s3":
        raise Refused("links are to objects in S3, signed by AWS4-HMAC-SHA256")
    if method == "OPTIONS":
        if "origin" not in headers or headers.get("access-control-request-method") not in ("GET", "HEAD", "PUT"):
            raise Refused("no preflight for that")
        # With any other path MiniStack answers that everything is allowed.
        bucket, key = app._s3_cors_target(headers["host"], path) or ("", "")
        if not bucket or not key or app.detect_service(method, path, headers, query) != "s3":
            raise Refused("no preflight for that")
        return  # which carries nothing to check the signature with, and is answered by the bucket's CORS
    if method not in ("GET", "HEAD", "PUT"):
        raise Refused("links are for GET, HEAD and PUT")
    if sigv4.presigned_request_is_expired(signature.amz_date, query["X-Amz-Expires"][0]):
        raise Refused("Request has expired")
    check(signature, method, raw_path, query, headers, b"", presigned=True)


def authorization(headers):
    """The signature in the header, not checked yet: that may need the body."""
    signature = sigv4.parse_header_signature(headers)
    if isinstance(signature, tuple):
        raise Refused(signature[1])
    if not headers["authorization"].startswith("AWS4-HMAC-SHA256 "):
        raise Refused("requests are signed by AWS4-HMAC-SHA256")
    skewed = sigv4.request_time_failure(signature)
    if skewed:
        raise Refused(skewed[1])
    return signature


def check(signature, method, raw_path, query, headers, body, presigned=False):
    # What S3 demands, and MiniStack does not: x-amz-copy-source makes a link for writing read.
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
    """A body, and a receive that gives it again."""
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Refused("the client went away")
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


# Functions' credentials, which MiniStack derives from the ARNs of function and role.
def execution_credentials(config, plain=lambda_runtime.execution_credentials):
    return plain({**config, "FunctionArn": f"{config['FunctionArn']}:{SECRET}"})


lambda_runtime.execution_credentials = execution_credentials


# The runtime API, of which each function's process has one on a port of its own: whoever asks it
# for the next event takes it away from the function. Programs in Go say so, and a page can't,
# without a preflight that fails; nor can one whose name was bound to this machine.
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
