"""From a request to the call that answers it: identity, privileges, parameters, in the server's order."""

import json
import re
import sys
import threading
import traceback
import urllib.parse

import calls
import multipart
import reply_check
import validate
from access import unauthorized
from faults import ApiError, Hangup, Unsaid, died
from wire import MAX_BODY, METHODS

FORM = "application/x-www-form-urlencoded"
PROXY_SECONDS = 30
UPLOAD = re.compile(r"/nodes/[^/]+/storage/[^/]+/upload")


class Front:
    """One node's API."""

    def __init__(self, world, node):
        self.world, self.node = world, node

    def __call__(self, request):
        if request.method not in METHODS:
            raise Unsaid(501, f"method '{request.method}' not available")
        base = re.fullmatch(r"/api2/(json|extjs)(/.*)?", urllib.parse.unquote(request.path))
        if not base:
            raise Unsaid(404, "Not Found")
        path = re.sub(r"/+", "/", base[2] or "/").rstrip("/") or "/"
        fault = self.world.faults.for_request(request.method, path)
        try:
            self.world.faults.before(fault)
            request.cut = fault.get("cut")
            result = self.work(request, path)
        except ApiError as error:
            if base[1] == "extjs" and not isinstance(error, Unsaid):
                result = (200, "OK", {"data": None, "message": error.message + "\n", "status": error.status,
                                      "success": 0} | ({"errors": error.errors} if error.errors else {}))
            else:
                self.world.faults.after(fault)
                raise
        self.world.faults.after(fault)
        return result

    def work(self, request, path):
        endpoint, found = self.world.table.route(request.method, path)
        self.world.faults.count(f"{request.method} {endpoint.path if endpoint else path}")
        if "chunked" in request.header("Transfer-Encoding", "").lower():
            raise Unsaid(501, "chunked transfer encoding not supported", "chunked transfer encoding not supported")
        caller = self.identify(request, path)
        given = self.read_parameters(request, path, endpoint, found, caller)
        if not endpoint:
            raise ApiError(501, f"Method '{request.method} {path}' not implemented")
        if endpoint.check and caller:
            self.world.access.check(caller, endpoint.check, given | found)
        node = self.resolve_node(endpoint, found)
        request.protected = endpoint.protected
        values = validate.parameters(endpoint, given | found, self.world.privileges)
        call = calls.Call(self.world, self.node, node, caller, values, request, endpoint)
        return self.run(call)

    def resolve_node(self, endpoint, found):
        name = found.get("node")
        if not name or not (endpoint.proxied or "/upload" in endpoint.path or "tunnel" in endpoint.path
                            or "proxy" in endpoint.path):
            return self.node
        name = self.node if name == "localhost" else name
        if name not in self.world.nodes:
            raise died(f"hostname lookup '{name}' failed - failed to get address info for: {name}: "
                       "Temporary failure in name resolution")
        if not self.world.nodes[name].online:
            raise Unsaid(595, "No route to host")
        return name

    def identify(self, request, path):
        """Who asks; None for the calls that ask for no proof."""
        if path == "/access/ticket" and request.method == "POST":
            return None
        access = self.world.access
        cookie = re.search(r"(?:^|;\s*)PVEAuthCookie=([^;]*)", request.header("Cookie", ""))
        written = re.fullmatch(r"(PVEAuthCookie|PVEAPIToken)=(.*)", request.header("Authorization", "") or "")
        if cookie or (written and written[1] == "PVEAuthCookie"):
            ticket = cookie[1] if cookie else written[2]
            caller = access.by_ticket(ticket if ticket in access.tickets else urllib.parse.unquote(ticket))
            if request.method != "GET" and not UPLOAD.fullmatch(path):
                access.check_csrf(caller, request.header("CSRFPreventionToken"))
            return caller
        if written:
            return access.by_token(written[2])
        raise unauthorized("No ticket")

    def read_parameters(self, request, path, endpoint, found, caller):
        given = parse_form(request.query)
        kind = request.header("Content-Type", FORM)
        if request.method == "POST" and kind.startswith("multipart/form-data") and UPLOAD.fullmatch(path):
            return given | self.receive(request, endpoint, found, caller, kind)
        if request.method not in ("POST", "PUT"):
            if request.length:
                told = f"Unexpected content for method '{request.method}'"
                raise Unsaid(501, told, told)
            return given
        if request.length > MAX_BODY:
            raise Unsaid(501, "for data too large", "for data too large")
        request.body = request.stream.exactly(request.length)
        if not request.body:
            return given
        if kind.split(";")[0].strip() == FORM:
            return given | parse_form(request.body.decode("utf-8", "replace"))
        if kind.split(";")[0].strip() == "application/json":
            return given | parse_json(request.body.decode("utf-8", "replace"))
        told = f"upload 'Content-Type '{kind}' not implemented"
        raise Unsaid(506, told, told)

    def receive(self, request, endpoint, found, caller, kind):
        try:
            self.world.access.check(caller, endpoint.check, found)
        except ApiError as error:
            raise Unsaid(error.status, error.message, late=True) from error
        node = self.world.nodes[self.node]
        request.form = multipart.Upload(request.stream, request.length, kind, node.temporary, request.cut)
        self.world.uploads.append(request.form.file)
        return request.form.fields

    def run(self, call):
        """Works in a thread where the server would hand over to another process: it then goes on after a timeout."""
        name = f"{call.endpoint.method} {call.endpoint.path}"
        handler = calls.HANDLERS[name]
        if not call.endpoint.protected:
            return self.reply(name, handler(call))
        box = []
        thread = threading.Thread(target=catch, args=(handler, call, box), daemon=True)
        thread.start()
        thread.join(self.world.options.get("proxy_seconds", PROXY_SECONDS))
        if not box:
            raise Unsaid(596, "Connection timed out")
        if isinstance(box[0], Exception):
            raise box[0]
        return self.reply(name, box[0])

    def reply(self, name, result):
        if result is calls.UPGRADED:
            return None
        data, beside = (result.data, result.beside) if isinstance(result, calls.Reply) else (result, {})
        for told in reply_check.problems(name, self.world.promised.get(name, {}), data):
            mistake = f"{name}: the answer is not as the schema says: {told}"
            self.world.mistakes.append(mistake)
            print(mistake, file=sys.stderr, flush=True)
        return 200, "OK", {"data": data} | beside


def catch(handler, call, box):
    try:
        box.append(handler(call))
    except (ApiError, Hangup) as error:
        box.append(error)
    except Exception as error:  # a mistake of the fake: told at once, with where it is
        traceback.print_exc()
        call.world.mistakes.append(f"{call.endpoint.path}: {error!r}")
        box.append(died(f"{type(error).__name__}: {error} (a mistake of the fake)"))


def parse_form(text):
    found = {}
    for part in text.split("&"):
        if not part:
            continue
        key, _, value = part.partition("=")
        key, value = urllib.parse.unquote_plus(key), urllib.parse.unquote_plus(value)
        if key in found:
            found[key] = (found[key] if isinstance(found[key], list) else [found[key]]) + [value]
        else:
            found[key] = value
    return found


def parse_json(text):
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        where = "(end of string)" if error.pos >= len(text.rstrip()) else text[error.pos:error.pos + 20]
        told = ("malformed JSON string, neither tag, array, object, number, string or atom, at character offset "
                f'{error.pos} (before "{where}") at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line 917.')
        raise Unsaid(500, told, told + "\n") from error
    if not isinstance(content, dict):
        raise Unsaid(500, "Not a HASH reference", "Not a HASH reference")
    return content
