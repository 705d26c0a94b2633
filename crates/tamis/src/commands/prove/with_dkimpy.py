"""Checks the DKIM signatures of mail.eml with dkimpy, a library of other people, which gets its keys from
keys.jsonl instead of the DNS. Exit code: 0 it finds what finding.json says; 1 it does not; 2 it cannot say."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# Nothing that lies beside this script passes for a library.
sys.path = [path for path in sys.path if path and os.path.abspath(path) != HERE]
import json
import re

try:
    import dkim
except ImportError:
    print("dkimpy    is not here (pip install dkimpy)")
    sys.exit(2)


def read(name):
    with open(os.path.join(HERE, name), "rb") as file:
        return file.read()


def records(domain, selector):
    """The key records that were seen under that name."""
    for seen in map(json.loads, read("keys.jsonl").decode("utf-8").splitlines()):
        if (seen["domain"], seen["selector"]) == (domain, selector):
            if "spki" in seen:
                yield b"v=DKIM1; k=rsa; p=" + seen["spki"].encode("ascii")
            elif "record" in seen:
                yield re.sub(r'["\\]', "", seen["record"]).encode("utf-8")


def verify(mail, number, record):
    """True, False, or why dkimpy does not say."""
    try:
        return dkim.DKIM(mail, minkey=384).verify(number, dnsfunc=lambda name, timeout=5: record)
    except Exception as error:  # Old mail meets rules of today: expired, SHA-1, tags of the drafts.
        if str(error).startswith("body hash mismatch"):
            return False
        return "{}: {}".format(type(error).__name__, error).encode("ascii", "backslashreplace").decode()


def main():
    finding, answer = json.loads(read("finding.json").decode("utf-8")), 2
    mail = re.sub(b"\r?\n", b"\r\n", read("mail.eml"))
    claims = [claim for claim in finding["signatures"] if claim["kind"] == "dkim"]
    for number, claim in enumerate(claims):
        results = [verify(mail, number, record) for record in records(claim["domain"], claim["selector"])]
        result = True if True in results else (results or ["its key is not known"])[0]
        text = {True: "verified", False: "does not verify"}.get(result, result)
        print("dkimpy    dkim signature {}: {}".format(claim["ordinal"], re.sub("[\0-\x1f\x7f]", "?", text)[:200]))
        if claim["ordinal"] == finding["rests_on"] and not claim["repair"] and result in (True, False):
            answer = 0 if result == (claim["result"] == "verified") else 1
    return answer


if __name__ == "__main__":
    sys.exit(main())
