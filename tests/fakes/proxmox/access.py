"""Users, tokens, tickets, and what they may do."""

import re
import secrets
import time
import uuid
from dataclasses import dataclass, field

import privileges
from faults import Unsaid, denied

TICKET_SECONDS = 7200
TUNNEL_TICKET_SECONDS = 300


def unauthorized(message):
    return Unsaid(401, message, late=True)


@dataclass
class User:
    name: str
    password: str = ""
    enabled: bool = True
    expire: int = 0
    groups: list = field(default_factory=list)
    tokens: dict = field(default_factory=dict)  # name -> {"value", "privsep", "expire", "comment"}

    def usable(self):
        return self.enabled and not (self.expire and self.expire < time.time())


@dataclass
class Caller:
    """Who asks: `user` (root@pam), `token` (its name) or None, and how he proved it."""
    user: str
    token: str = None
    ticket: str = None

    @property
    def full(self):
        return f"{self.user}!{self.token}" if self.token else self.user

    @property
    def is_root(self):
        """Only root himself: his tokens are not."""
        return self.user == "root@pam" and not self.token


class Access:
    def __init__(self, version):
        self.version = version
        self.roles = privileges.roles(version)
        self.special = set(self.roles)
        self.users = {}
        self.acl = []  # {"path", "type", "ugid", "roleid", "propagate"}
        self.pools = {}  # name -> {"comment", "vms": set, "storages": set}
        self.tickets = {}  # ticket -> (user, until)
        self.csrf = {}  # token -> user
        self.tunnels = {}  # ticket -> (user, path, until)

    # Proofs of identity

    def login(self, name, password):
        """A new ticket and its CSRF token; None: wrong."""
        user = self.users.get(name)
        renewed = self.tickets.get(password, (None, 0))
        right = user and user.usable() and (
            (user.password and secrets.compare_digest(user.password.encode(), password.encode()))
            or (renewed[0] == name and renewed[1] > time.time()))
        if not right:
            return None
        ticket = f"PVE:{name}:{int(time.time()):08X}::{secrets.token_urlsafe(96)}=="
        csrf = f"{int(time.time()):08X}:{secrets.token_urlsafe(32)}"
        self.tickets[ticket] = (name, time.time() + TICKET_SECONDS)
        self.csrf[csrf] = name
        return ticket, csrf

    def by_ticket(self, ticket):
        name, until = self.tickets.get(ticket, (None, 0))
        if not name or until < time.time() or not self.users[name].usable():
            raise unauthorized("permission denied - invalid PVE ticket")
        return Caller(name, ticket=ticket)

    def by_token(self, text):
        found = re.fullmatch(r"([^!=]+)!([^=]+)=(.+)", text)
        if not found:
            raise unauthorized("no tokenid specified")
        name, token_name, value = found.groups()
        user = self.users.get(name)
        token = user.tokens.get(token_name) if user else None
        if not user or not user.usable():
            raise unauthorized(f"no such user ('{name}')" if not user else f"user '{name}' is disabled")
        if not token:
            raise unauthorized(f"no such token '{token_name}' for user '{name}'")
        if token.get("expire") and token["expire"] < time.time():
            raise unauthorized(f"token '{token_name}' expired")
        if not secrets.compare_digest(token["value"].encode(), value.encode()):
            raise unauthorized("invalid token value!")
        return Caller(name, token=token_name)

    def check_csrf(self, caller, text):
        if self.csrf.get(text or "") != caller.user:
            raise unauthorized("Permission denied - invalid csrf token")

    def add_token(self, name, token, privsep=True, expire=0, comment=None):
        value = str(uuid.uuid4())
        self.users[name].tokens[token] = {"value": value, "privsep": privsep, "expire": expire, "comment": comment}
        return value

    def tunnel_ticket(self, caller, path):
        ticket = f"PVETUNNEL:{int(time.time()):08X}::{secrets.token_urlsafe(64)}"
        self.tunnels[ticket] = (caller.full, path, time.time() + TUNNEL_TICKET_SECONDS)
        return ticket

    # What they may do

    def grant(self, path, role, kind, who, propagate=1):
        self.revoke(path, role, kind, who)
        self.acl.append({"path": path, "type": kind, "ugid": who, "roleid": role, "propagate": int(propagate)})

    def revoke(self, path, role, kind, who):
        self.acl = [entry for entry in self.acl
                    if (entry["path"], entry["roleid"], entry["type"], entry["ugid"]) != (path, role, kind, who)]

    def permissions(self, caller, path):
        """{privilege: does it go on downwards} that the caller has on the path."""
        if caller.is_root:
            return {name: 1 for name in privileges.every(self.version)}
        own = self.of_user(caller.user, path)
        if not caller.token:
            return own
        token = self.users[caller.user].tokens.get(caller.token)
        if not token or not token["privsep"]:
            return own if token else {}
        granted = self.pooled(path, lambda at: self.resolve(at, {"token": [caller.full]}))
        return {name: goes for name, goes in granted.items() if name in own}

    def of_user(self, name, path):
        if name == "root@pam":
            return {privilege: 1 for privilege in privileges.every(self.version)}
        groups = self.users[name].groups if name in self.users else []
        return self.pooled(path, lambda at: self.resolve(at, {"user": [name], "group": groups}))

    def pooled(self, path, resolve):
        found = dict(resolve(path))
        for pool, entry in self.pools.items():
            if path in [f"/vms/{vmid}" for vmid in entry["vms"]] + [f"/storage/{s}" for s in entry["storages"]]:
                found |= resolve(f"/pool/{pool}")
        return found

    def resolve(self, path, who):
        """Walks down to the path: what is granted further down replaces what came from above, and users' grants
        replace their groups'."""
        parts = [part for part in path.split("/") if part]
        steps = ["/"] + ["/" + "/".join(parts[:end]) for end in range(1, len(parts) + 1)]
        current = {}
        for step in steps:
            for kind in ("user", "token", "group"):
                here = [entry for entry in self.acl if entry["path"] == step and entry["type"] == kind
                        and entry["ugid"] in who.get(kind, []) and (entry["propagate"] or step == steps[-1])]
                if here:
                    current = {}
                    if not any(entry["roleid"] == "NoAccess" for entry in here):
                        for entry in here:
                            current |= {name: entry["propagate"] for name in self.roles.get(entry["roleid"], [])}
                    break
        return current

    def known_paths(self):
        paths = {"/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms"}
        paths |= {entry["path"] for entry in self.acl}
        for pool, entry in self.pools.items():
            paths |= {f"/pool/{pool}"} | {f"/vms/{vmid}" for vmid in entry["vms"]}
            paths |= {f"/storage/{storage}" for storage in entry["storages"]}
        return paths

    def may(self, caller, path, wanted, any_of=False):
        have = self.permissions(caller, path)
        return any(name in have for name in wanted) if any_of else all(name in have for name in wanted)

    def demand(self, caller, path, wanted, any_of=False):
        have = self.permissions(caller, path)
        if any_of:
            if not any(name in have for name in wanted):
                raise denied(path, "|".join(wanted))
            return
        for name in wanted:
            if name not in have:
                raise denied(path, name)

    # The checks that the tables name

    def check(self, caller, rule, given):
        """Raises 403 where `rule` of an endpoint is not fulfilled by the parameters `given`."""
        if caller.is_root:
            return
        kind, *rest = rule
        if kind == "and":
            for part in rest:
                self.check(caller, part, given)
        elif kind == "or":
            if not any(self.passes(caller, part, given) for part in rest):
                raise denied()
        elif kind == "perm":
            path = re.sub(r"\{([^}]+)\}", lambda name: str(given.get(name[1], "")), rest[0])
            options = dict(zip(rest[2::2], rest[3::2]))
            self.demand(caller, path, rest[1], bool(options.get("any")))
        elif kind == "perm-modify":
            self.check_modify(caller, given.get("path", "/"))
        else:
            self.check_user(caller, kind, rest, given)

    def passes(self, caller, rule, given):
        try:
            self.check(caller, rule, given)
        except Exception as error:
            if getattr(error, "status", None) != 403:
                raise
            return False
        return True

    def check_modify(self, caller, path):
        wanted = ["Permissions.Modify"]
        for start, name in (("/storage/", "Datastore.Allocate"), ("/vms/", "VM.Allocate"), ("/pool/", "Pool.Allocate")):
            if path.startswith(start):
                wanted.append(name)
        self.demand(caller, path, wanted, any_of=True)

    def check_user(self, caller, kind, rest, given):
        if kind == "userid-param" and rest[0] == "self":
            if given.get("userid") != caller.user:
                raise denied()
        elif kind == "userid-param":
            self.demand(caller, f"/access/realm/{given.get('userid', '').partition('@')[2]}", rest)
        else:
            self.demand(caller, "/access/groups", rest[0], any_of=True)
