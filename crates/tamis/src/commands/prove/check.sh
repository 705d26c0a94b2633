#!/bin/sh
# Checks this folder with other people's tools: sha256sum (or shasum), python3, openssl, dkimpy.
# Run it as: sh check.sh
# Exit code: 0 what finding.json says is so; 1 it is not; 2 it cannot be checked with the tools that are here.
set -u
unset CDPATH
cd -- "$(dirname -- "$0")" || exit 2

# manifest.json has one line a file.
sums=$(sed -n 's/^ *{"file": "\([A-Za-z0-9._-]*\)", "sha256": "\([0-9a-f]*\)".*/\2  \1/p' manifest.json)
if command -v sha256sum >/dev/null 2>&1; then
    printf '%s\n' "$sums" | sha256sum -c - || { echo "the files are NOT those of the manifest"; exit 1; }
elif command -v shasum >/dev/null 2>&1; then
    printf '%s\n' "$sums" | shasum -a 256 -c - || { echo "the files are NOT those of the manifest"; exit 1; }
else
    echo "neither sha256sum nor shasum is here: the files are not compared with the manifest"
fi
names=" $(printf '%s\n' "$sums" | sed 's/^.*  //' | tr '\n' ' ') manifest.json "
for file in * .[!.]*; do
    case "$names" in
        *" $file "*) ;;
        *) if [ -e "$file" ]; then echo "a file is here that the manifest does not name"; exit 1; fi ;;
    esac
done

if ! command -v python3 >/dev/null 2>&1; then
    echo "python3 is not here: the signatures are not checked"
    exit 2
fi
# -I: nothing that lies beside the script, and no setting of this machine, changes what it does.
openssl=2
if command -v openssl >/dev/null 2>&1; then
    python3 -I -B with_openssl.py
    openssl=$?
else
    echo "openssl   is not here"
fi
python3 -B with_dkimpy.py
dkimpy=$?
case "$openssl $dkimpy" in
    "0 1") echo "          dkimpy asks for more than that the key made the signature over these bytes" ;;
esac
case "$openssl$dkimpy" in
    0?|20) echo "result    it is as finding.json says; what that leaves open stands in README.txt"; exit 0 ;;
    22) echo "result    it cannot be checked with these tools; README.txt says what can be done"; exit 2 ;;
    *) echo "result    it is NOT as finding.json says"; exit 1 ;;
esac
