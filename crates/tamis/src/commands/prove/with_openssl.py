"""Checks the signatures of mail.eml with openssl and the keys of keys.jsonl, and compares what comes out with
what finding.json says. Nothing but Python's standard library, and the program `openssl`.

Exit code: 0 it is as finding.json says; 1 it is not; 2 this cannot be checked here.
"""
import base64, hashlib, json, os, re, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
# What stands before the digest in a signature by RSA (RFC 8017 section 9.2).
DIGEST_INFO = {"sha1": "3021300906052b0e03021a05000414", "sha256": "3031300d060960864801650304020105000420"}
ED25519 = bytes.fromhex("302a300506032b6570032100")  # and then the key (RFC 8410)
KINDS = {b"dkim-signature": "dkim", b"domainkey-signature": "domainkeys",
         b"arc-seal": "arc-seal", b"arc-message-signature": "arc-message"}
CHAIN = [b"arc-authentication-results", b"arc-message-signature", b"arc-seal"]


def read(name):
    with open(os.path.join(HERE, name), "rb") as file:
        return file.read()


def split(mail):
    """The header fields, with their folds, without their last line break; and the body. All breaks are CRLF."""
    mail = re.sub(b"\r?\n", b"\r\n", mail if b"\n" in mail else mail.replace(b"\r", b"\n"))
    head, _, body = mail.partition(b"\r\n\r\n")
    fields = []
    for line in head.split(b"\r\n"):
        if fields and line[:1] in (b" ", b"\t"):
            fields[-1].append(line)
        else:
            fields.append([line])
    return [b"\r\n".join(lines) for lines in fields], body


def name_of(field):
    return field.partition(b":")[0].strip().lower()


def tags_of(field):
    """The tags of a signature (RFC 6376 section 3.2), white space gone; of two with one name the first."""
    tags = {}
    for part in field.partition(b":")[2].split(b";"):
        name, _, value = part.partition(b"=")
        tags.setdefault(name.strip().decode("latin-1"), b"".join(value.split()).decode("latin-1"))
    return tags


def emptied(field):
    """A signature field as it was when it was signed: without the value of b=."""
    name, colon, value = field.partition(b":")
    return name + colon + re.sub(br"(^|;)([ \t\r\n]*b[ \t\r\n]*=)[^;]*", br"\1\2", value, count=1)


def header_form(field, form):
    """RFC 6376 sections 3.4.1 and 3.4.2; `nofws`: RFC 4870 section 3.4.2.2."""
    if form == "nofws":
        return re.sub(b"[ \t\r\n]", b"", field) + b"\r\n"
    if form == "relaxed":
        name, _, value = field.partition(b":")
        value = re.sub(b"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip(b" ")
        field = name.rstrip().lower() + b":" + value
    return field + b"\r\n"


def body_form(body, form, of_nothing=b""):
    """RFC 6376 sections 3.4.3 and 3.4.4. `of_nothing`: what an empty body is."""
    lines = body.split(b"\r\n")
    if form == "relaxed":
        lines = [re.sub(b"[ \t]+", b" ", line).rstrip(b" ") for line in lines]
    elif form == "nofws":
        lines = [re.sub(b"[ \t]", b"", line) for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    return b"\r\n".join(lines) + b"\r\n" if lines else of_nothing


def listed(fields, own, names):
    """The fields that h= names, each name's from the bottom up; never the signature's own."""
    stacks = {}
    for at, field in enumerate(fields):
        if at != own:
            stacks.setdefault(name_of(field), []).append(field)
    stacks = [stacks.get(name.strip().lower().encode("latin-1")) for name in names]
    return [stack.pop() for stack in stacks if stack]


def signed_data(kind, tags, fields, own, body):
    """The bytes that were signed, and whether the body has the hash that they state (None: they hold the body)."""
    hash_name = tags.get("a", "rsa-sha1").rpartition("-")[2]
    names = tags.get("h", "").split(":")
    form, _, of_body = tags.get("c", "simple").partition("/")
    own_field = emptied(fields[own])
    if kind == "domainkeys":
        below = fields[own + 1:]
        wanted = {name.lower().encode("latin-1") for name in names}
        below = [field for field in below if "h" not in tags or name_of(field) in wanted]
        body = body_form(body, form)
        return b"".join(header_form(field, form) for field in below) + (b"\r\n" + body if body else b""), None
    if kind == "arc-seal":
        sets = [(int(tags_of(field).get("i") or 0), CHAIN.index(name_of(field)), field)
                for at, field in enumerate(fields) if at != own and name_of(field) in CHAIN]
        before = [field for i, place, field in sorted(sets) if (i, place) < (int(tags["i"]), 2)]
        return b"".join(header_form(field, "relaxed") for field in before + [own_field])[:-2], None
    head = b"".join(header_form(field, form) for field in listed(fields, own, names))
    body = body_form(body, of_body or "simple", b"" if of_body == "relaxed" else b"\r\n")
    if "bh" not in tags:  # The drafts before bh= hashed header and body in one.
        return head + b"\r\n" + body + b"\r\n" + header_form(own_field, form)[:-2], None
    data = head + header_form(own_field, form)[:-2]
    length = int(tags.get("l", len(body)))
    body_holds = length <= len(body) and decoded(tags["bh"]) == hashlib.new(hash_name, body[:length]).digest()
    return data, body_holds


def decoded(text):
    text = re.sub("[^A-Za-z0-9+/]", "", text)
    return base64.b64decode(text + "=" * (-len(text) % 4))


def openssl(folder, *arguments):
    done = subprocess.run(["openssl"] + list(arguments), cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout if done.returncode == 0 else None


def same_name(one, other):
    def plain(name):
        try:
            return name.rstrip(".").encode("idna").lower()
        except UnicodeError:
            return name.rstrip(".").encode("utf-8").lower()
    return plain(one) == plain(other)


def keys_of(domain, selector):
    """The keys that were seen under that name, as DER."""
    for line in read("keys.jsonl").decode("utf-8").splitlines():
        seen = json.loads(line)
        if not (same_name(seen["domain"], domain) and same_name(seen["selector"], selector)):
            continue
        if "spki" in seen:
            yield base64.b64decode(seen["spki"])
        elif "record" in seen:
            text = seen["record"].replace('"', "").replace("\\", "")
            key = decoded(tags_of(b":" + text.encode("utf-8")).get("p", ""))
            if key:
                yield ED25519 + key if len(key) == 32 else key


def verify(der, algorithm, signature, data):
    """True: the key made the signature over the data. False: over other data. None: the key did not make it."""
    hash_name = algorithm.rpartition("-")[2]
    digest = hashlib.new(hash_name, data).digest()
    with tempfile.TemporaryDirectory() as folder:
        for name, content in [("der", der), ("sig", signature), ("data", data), ("digest", digest)]:
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)
        openssl(folder, "pkey", "-pubin", "-inform", "DER", "-in", "der", "-pubout", "-out", "key.pem")
        if not os.path.exists(os.path.join(folder, "key.pem")) or not os.path.getsize(os.path.join(folder, "key.pem")):
            openssl(folder, "rsa", "-RSAPublicKey_in", "-inform", "DER", "-in", "der", "-pubout", "-out", "key.pem")
        if algorithm.startswith("ed25519"):
            done = openssl(folder, "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin",
                           "-in", "digest", "-sigfile", "sig")
            return None if done is None else True
        if openssl(folder, "dgst", "-" + hash_name, "-verify", "key.pem", "-signature", "sig", "data") is not None:
            return True
        # What the key finds in the signature: the digest of what was signed, where it made it.
        inside = openssl(folder, "pkeyutl", "-verifyrecover", "-pubin", "-inkey", "key.pem", "-in", "sig")
        prefix = bytes.fromhex(DIGEST_INFO[hash_name])
        if not inside or not inside.startswith(prefix):
            return None
        return inside == prefix + digest


def shown(text):
    return ascii(text)[1:-1][:100]


def check(claim, fields, own, body):
    """One signature: prints what openssl sees; whether that is what finding.json says (None: cannot tell)."""
    kind, tags = claim["kind"], tags_of(fields[own])
    algorithm = tags.get("a", "rsa-sha1").lower()
    print("signature {}: {} {} s={} {}".format(claim["ordinal"], kind, shown(claim["domain"]),
                                               shown(claim["selector"]), shown(algorithm)))
    if algorithm not in ("rsa-sha1", "rsa-sha256", "ed25519-sha256") or "nowsp" in tags.get("c", ""):
        print("  not checked: this script does not know its form")
        return None
    try:
        data, body_holds = signed_data(kind, tags, fields, own, body)
        signature = decoded(tags["b"])
    except (KeyError, ValueError) as error:
        print("  not checked: the field cannot be read ({})".format(type(error).__name__))
        return None
    results = [verify(der, algorithm, signature, data) for der in keys_of(tags.get("d", ""), tags.get("s", ""))]
    if not results:
        print("  no key is known")
        return None
    holds, fits = True in results, True in results or False in results
    ed25519 = algorithm.startswith("ed25519")
    words = {True: "holds", False: "does not hold", None: "is part of what is signed"}
    print("  key     {}".format("made this signature" if fits else
                                "cannot tell (Ed25519)" if ed25519 else "did not make this signature"))
    print("  {}  {}".format("header" if body_holds is not None else "signed", words[holds]))
    print("  body    {}".format(words[body_holds]))
    if claim["repair"]:
        print("  finding.json undoes known damage first ({}); openssl cannot: this is the copy as it stands".format(
            shown(claim["repair"])))
        return None
    agrees = [said is None or said == seen for said, seen in [
        (claim["header_holds"], holds), (claim["body_holds"], holds if body_holds is None else body_holds),
        (None if ed25519 else claim["key_fits"], fits)]]
    return all(agrees)


def main():
    finding = json.loads(read("finding.json").decode("utf-8"))
    fields, body = split(read("mail.eml"))
    places = [at for at, field in enumerate(fields) if name_of(field) in KINDS]
    if openssl(HERE, "version") is None:
        print("openssl is not here")
        return 2
    answer = None
    for claim in finding["signatures"]:
        agrees = check(claim, fields, places[claim["ordinal"]], body)
        if claim["ordinal"] == finding["rests_on"]:
            answer = agrees
            print("  the finding rests on this signature: {}".format(
                {True: "it is as finding.json says", False: "it is NOT as finding.json says"}.get(
                    agrees, "it cannot be checked with openssl alone")))
    if finding["rests_on"] is None:
        print("the finding rests on no signature of a domain; README.txt says on what")
    return {True: 0, False: 1}.get(answer, 2)


if __name__ == "__main__":
    sys.exit(main())
