"""Checks the signatures of mail.eml with the program `openssl` and the keys of keys.jsonl, and compares what
comes out with finding.json. Exit code: 0 it is as that says; 1 it is not; 2 this cannot be checked here."""
import base64, hashlib, json, os, re, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
# What stands before the digest in a signature by RSA (RFC 8017 section 9.2).
DIGEST_INFO = {"sha1": "3021300906052b0e03021a05000414", "sha256": "3031300d060960864801650304020105000420"}
ED25519 = bytes.fromhex("302a300506032b6570032100")  # and then the key (RFC 8410)
SIGNATURES = [b"dkim-signature", b"domainkey-signature", b"arc-seal", b"arc-message-signature"]


def read(name):
    with open(os.path.join(HERE, name), "rb") as file:
        return file.read()


def split(mail):
    """The header fields, with their folds, without their last line break; and the body. All breaks are CRLF."""
    mail = re.sub(b"\r?\n", b"\r\n", mail if b"\n" in mail else mail.replace(b"\r", b"\n"))
    head, _, body = mail.partition(b"\r\n\r\n")
    return re.split(b"\r\n(?![ \t])", head), body


def name_of(field):
    return field.partition(b":")[0].strip().lower()


def tags_of(field):
    """The tags of a signature (RFC 6376 section 3.2) without white space; of two with one name the first."""
    tags = {}
    for part in field.partition(b":")[2].decode("latin-1").split(";"):
        name, _, value = part.partition("=")
        tags.setdefault(name.strip(), "".join(value.split()))
    return tags


def decoded(text):
    text = re.sub("[^A-Za-z0-9+/]", "", text)
    return base64.b64decode(text + "=" * (-len(text) % 4))


def header_form(field, form):
    """RFC 6376 sections 3.4.1 and 3.4.2; `nofws`: RFC 4870 section 3.4.2.2."""
    if form == "nofws":
        return re.sub(b"[ \t\r\n]", b"", field) + b"\r\n"
    if form == "relaxed":
        value = re.sub(b"[ \t]+", b" ", field.partition(b":")[2].replace(b"\r\n", b"")).strip(b" ")
        field = name_of(field) + b":" + value
    return field + b"\r\n"


def body_form(body, form, empty):
    """RFC 6376 sections 3.4.3 and 3.4.4; `nofws`: RFC 4870 section 3.4.2.2."""
    lines = body.split(b"\r\n")
    if form == "relaxed":
        lines = [re.sub(b"[ \t]+", b" ", line).rstrip(b" ") for line in lines]
    elif form == "nofws":
        lines = [re.sub(b"[ \t]", b"", line) for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    return b"\r\n".join(lines) + b"\r\n" if lines else empty


def signed_data(kind, tags, fields, own, body):
    """The bytes that were signed (one of a list), and whether the body has the hash in them (None: they hold it)."""
    names = [name.lower().encode("latin-1") for name in tags.get("h", "").split(":")]
    form, _, of_body = tags.get("c", "simple").partition("/")
    if kind == "domainkeys":  # RFC 4870: the fields below the signature, as they stand or as h= lists them; the body.
        below = [field for field in fields[own + 1:] if "h" not in tags or name_of(field) in names]
        named, listed = {}, []
        for field in below:
            named.setdefault(name_of(field), []).append(field)
        for at in reversed(range(len(names))):  # A name that is listed again takes its last field.
            mine = named.get(names[at], [])
            cut = len(mine) - 1 if mine and names[at] in names[:at] else 0
            listed, named[names[at]] = mine[cut:] + listed, mine[:cut]
        body = body_form(body, form, b"")
        heads = [b"".join(header_form(field, form) for field in order) for order in (below, listed or below)]
        return [head + (b"\r\n" + body if body else b"") for head in heads], None
    # Each name's fields from the bottom up, and at last the signature's own with its b= emptied.
    named = {}
    for field in fields[:own] + fields[own + 1:]:
        named.setdefault(name_of(field), []).append(field)
    chosen = [named[name].pop() for name in names if named.get(name)]
    own_field = re.sub(br"((?:^[^:]*:|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*", br"\1", fields[own], count=1)
    body = body_form(body, of_body or "simple", b"" if of_body == "relaxed" else b"\r\n")
    if "bh" not in tags:  # The drafts before bh= hashed header and body in one.
        lines = b"".join(header_form(field, form) for field in chosen)
        return [lines + b"\r\n" + body + b"\r\n" + header_form(own_field, form)[:-2]], None
    # Early sealers meant relaxed where they wrote nothing.
    forms = [form, "relaxed"] if kind == "arc-message" and "c" not in tags else [form]
    length, hash_name = int(tags.get("l", len(body))), tags.get("a", "rsa-sha1").lower().rpartition("-")[2]
    body_holds = length <= len(body) and decoded(tags["bh"]) == hashlib.new(hash_name, body[:length]).digest()
    return [b"".join(header_form(field, form) for field in chosen + [own_field])[:-2] for form in forms], body_holds


def keys_of(domain, selector):
    """The keys that were seen under that name, as DER."""
    def plain(name):
        return name.rstrip(".").encode("idna").lower()
    for seen in map(json.loads, read("keys.jsonl").decode("utf-8").splitlines()):
        if (plain(seen["domain"]), plain(seen["selector"])) == (plain(domain), plain(selector)):
            record = tags_of(b":" + re.sub(r'["\\]', "", seen.get("record", "")).encode("utf-8"))
            key = decoded(seen.get("spki") or record.get("p", ""))
            yield ED25519 + key if len(key) == 32 else key


def openssl(folder, *arguments):
    """What it says; None where it fails."""
    done = subprocess.run(("openssl",) + arguments, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout if done.returncode == 0 else None


def verify(der, algorithm, signature, data):
    """True: the key made the signature over the data. False: over other data. None: it did not make it."""
    kind, _, hash_name = algorithm.partition("-")
    digest = hashlib.new(hash_name, data).digest()
    with tempfile.TemporaryDirectory() as folder:
        for name, content in [("der", der), ("sig", signature), ("data", data), ("digest", digest)]:
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)
        given = ("-inform", "DER", "-in", "der", "-pubout", "-out", "pem")
        if openssl(folder, "pkey", "-pubin", *given) is None:
            openssl(folder, "rsa", "-RSAPublicKey_in", *given)
        use = ("pkeyutl", "-pubin", "-inkey", "pem")
        if kind == "ed25519":
            return openssl(folder, *use, "-verify", "-rawin", "-in", "digest", "-sigfile", "sig") is not None or None
        if openssl(folder, "dgst", "-" + hash_name, "-verify", "pem", "-signature", "sig", "data") is not None:
            return True
        # What the key finds in the signature: the digest of what was signed, if it made it.
        inside, prefix = openssl(folder, *use, "-verifyrecover", "-in", "sig"), bytes.fromhex(DIGEST_INFO[hash_name])
        return inside == prefix + digest if inside and inside.startswith(prefix) else None


def check(claim, fields, own, body):
    """Whether openssl sees in a signature what finding.json says of it (None: cannot tell), and what it sees."""
    tags = tags_of(fields[own])
    algorithm = tags.get("a", "rsa-sha1").lower()
    known = algorithm in ("rsa-sha1", "rsa-sha256", "ed25519-sha256") and tags.get("c") != "nowsp"
    if not known or claim["kind"] == "arc-seal":
        return None, "not checked: this script does not know its form"
    try:
        signed, body_holds = signed_data(claim["kind"], tags, fields, own, body)
        results = [verify(key, algorithm, decoded(tags["b"]), data)
                   for key in keys_of(tags["d"], tags["s"]) if key for data in signed]
    except (KeyError, ValueError):
        return None, "not checked: the field cannot be read"
    if not results:
        return None, "not checked: its key is not known"
    header_holds, key_fits = True in results, results != [None] * len(results)
    body_holds = header_holds if body_holds is None else body_holds
    seen = {"key_fits": key_fits, "header_holds": header_holds, "body_holds": body_holds}
    text = "made by the key: {key_fits}; header holds: {header_holds}; body holds: {body_holds}".format(
        **{name: "yes" if seen[name] else "no" for name in seen})
    if claim["repair"]:
        return None, text + "; finding.json undoes known damage first, which openssl cannot"
    # Ed25519 does not tell whether a key made a signature over other data; and the hash of a body in a header that
    # does not hold says nothing.
    told = {"key_fits": algorithm[0] == "r", "header_holds": True, "body_holds": claim["header_holds"]}
    told = [name for name in seen if told[name] and claim[name] is not None]
    return all(claim[name] == seen[name] for name in told), text


def main():
    finding, answer = json.loads(read("finding.json").decode("utf-8")), None
    fields, body = split(read("mail.eml"))
    places = [at for at, field in enumerate(fields) if name_of(field) in SIGNATURES]
    for claim in finding["signatures"]:
        agrees, text = check(claim, fields, places[claim["ordinal"]], body)
        shown = "{kind} {domain} s={selector} {algorithm}".format(**claim).encode("ascii", "backslashreplace").decode()
        print("openssl   {}\n          {}".format(re.sub("[\0-\x1f\x7f]", "?", shown)[:200], text))
        if claim["ordinal"] == finding["rests_on"]:
            words = {True: "as finding.json says", False: "NOT as finding.json says", None: "not to be checked so"}
            print("          the finding rests on this signature: {}".format(words[agrees]))
            answer = agrees
    return {True: 0, False: 1, None: 2}[answer]


if __name__ == "__main__":
    sys.exit(main())
