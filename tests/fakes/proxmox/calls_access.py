"""/access: logins, users, tokens, roles, grants."""

from access import User
from calls import call
from faults import ApiError, bad, died
from formats import split_list
from privileges import LOGIN_GROUPS


@call("POST /access/ticket")
def login(ask):
    access, name = ask.world.access, ask.get("username")
    if "@" not in name:
        name += f"@{ask.get('realm', 'pam')}" if ask.get("realm") else ""
    found = access.login(name, ask.get("password"))
    if not found:
        raise ApiError(401, "authentication failure")
    ticket, csrf = found
    caller = access.by_ticket(ticket)
    rights = {}
    for group, (path, names) in LOGIN_GROUPS.items():
        have = access.permissions(caller, path)
        rights[group] = {name: 1 for name in names if name in have}
    for entry in access.acl:
        for group, (path, names) in LOGIN_GROUPS.items():
            if path != "/" and entry["path"].startswith(path + "/"):
                have = access.permissions(caller, entry["path"])
                rights[group] |= {name: 1 for name in names if name in have}
    return {"username": name, "ticket": ticket, "CSRFPreventionToken": csrf, "cap": rights}


@call("GET /access/permissions")
def permissions(ask):
    access, caller = ask.world.access, ask.caller
    other = ask.get("userid")
    if other:
        ask.demand("/access", "Sys.Audit")
        user, _, token = other.partition("!")
        if user not in access.users:
            raise died(f"no such user ('{user}')")
        caller = type(caller)(user, token or None)
    paths = [ask.get("path")] if ask.get("path") else access.known_paths()
    found = {path: access.permissions(caller, path) for path in paths}
    return {path: rights for path, rights in found.items() if rights}


@call("GET /access/roles")
def roles(ask):
    access = ask.world.access
    return [{"roleid": name, "privs": ",".join(sorted(rights))} | ({"special": 1} if name in access.special else {})
            for name, rights in access.roles.items()]


@call("POST /access/roles")
def add_role(ask):
    access, name = ask.world.access, ask.get("roleid")
    if name in access.roles:
        raise died(f"role '{name}' already exists")
    access.roles[name] = split_list(ask.get("privs", ""))


@call("GET /access/acl")
def acl(ask):
    access = ask.world.access
    rights = access.permissions(ask.caller, "/access")
    sees_all = "Sys.Audit" in rights or "Permissions.Modify" in rights
    return [dict(entry) for entry in access.acl
            if sees_all or ask.may(entry["path"], "Permissions.Modify")]


@call("PUT /access/acl")
def change_acl(ask):
    access, path = ask.world.access, ask.get("path")
    path = "/" + "/".join(part for part in path.split("/") if part)
    for role in split_list(ask.get("roles")):
        if role not in access.roles:
            raise died(f"role '{role}' does not exist")
        for kind, parameter in (("user", "users"), ("group", "groups"), ("token", "tokens")):
            for who in split_list(ask.get(parameter, "")):
                demand_known(access, kind, who)
                if ask.get("delete"):
                    access.revoke(path, role, kind, who)
                else:
                    access.grant(path, role, kind, who, ask.get("propagate", 1))


def demand_known(access, kind, who):
    user, _, token = who.partition("!")
    if kind == "user" and who not in access.users:
        raise died(f"user '{who}' does not exist")
    if kind == "token" and (user not in access.users or token not in access.users[user].tokens):
        raise died(f"token '{token}' for user '{user}' does not exist")


@call("GET /access/users")
def users(ask):
    return [{"userid": user.name, "enable": int(user.enabled), "expire": user.expire, "realm-type":
             "pam" if user.name.endswith("@pam") else "pve"} for user in ask.world.access.users.values()
            if user.name == ask.caller.user or ask.may("/access/groups", "User.Modify", "Sys.Audit", any_of=True)]


@call("POST /access/users")
def add_user(ask):
    access, name = ask.world.access, ask.get("userid")
    if name in access.users:
        raise died(f"create user failed: user '{name}' already exists")
    if not name.endswith(("@pam", "@pve")):
        raise died(f"create user failed: domain '{name.partition('@')[2]}' does not exist")
    access.users[name] = User(name, ask.get("password", ""), bool(ask.get("enable", 1)), ask.get("expire", 0),
                              split_list(ask.get("groups", "")))


@call("DELETE /access/users/{userid}")
def remove_user(ask):
    access, name = ask.world.access, ask.get("userid")
    if access.users.pop(name, None) is None:
        raise died(f"delete user failed: no such user ('{name}')")
    access.acl = [entry for entry in access.acl if entry["ugid"].partition("!")[0] != name]


def user_of(ask):
    user = ask.world.access.users.get(ask.get("userid"))
    if not user:
        raise died(f"no such user ('{ask.get('userid')}')")
    return user


def told(token):
    shown = {"privsep": int(token["privsep"]), "expire": int(token.get("expire") or 0)}
    return shown | ({"comment": token["comment"]} if token.get("comment") else {})


@call("GET /access/users/{userid}/token")
def tokens(ask):
    return [told(token) | {"tokenid": name} for name, token in user_of(ask).tokens.items()]


@call("GET /access/users/{userid}/token/{tokenid}")
def token(ask):
    found = user_of(ask).tokens.get(ask.get("tokenid"))
    if not found:
        raise died(f"no such token '{ask.get('tokenid')}' for user '{ask.get('userid')}'")
    return told(found)


@call("POST /access/users/{userid}/token/{tokenid}")
def add_token(ask):
    user, name = user_of(ask), ask.get("tokenid")
    if name in user.tokens:
        raise bad(tokenid="Token already exists.")
    value = ask.world.access.add_token(user.name, name, bool(ask.get("privsep", 1)), ask.get("expire", 0),
                                       ask.get("comment"))
    info = {"privsep": str(ask.get("privsep", 1))}
    info |= {key: str(ask.get(key)) for key in ("comment", "expire") if ask.get(key) is not None}
    return {"full-tokenid": f"{user.name}!{name}", "info": info, "value": value}


@call("DELETE /access/users/{userid}/token/{tokenid}")
def remove_token(ask):
    """The token's grants stay in the access list, as on the server."""
    if user_of(ask).tokens.pop(ask.get("tokenid"), None) is None:
        raise died(f"no such token '{ask.get('tokenid')}' for user '{ask.get('userid')}'")


