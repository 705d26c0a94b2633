# Verifies the mails of a folder with dkimpy; the key's record stands beside them. Prints how many verify, and
# the seconds of processor time that took.
import os
import sys
import time
from importlib.metadata import version

import dkim

if sys.argv[1] == "--version":
    print("dkimpy", version("dkimpy"))
    sys.exit()

folder = sys.argv[1]
with open(os.path.join(folder, "record"), "rb") as file:
    record = file.read()
mails = []
for name in sorted(os.listdir(folder)):
    if name.endswith(".eml"):
        with open(os.path.join(folder, name), "rb") as file:
            mails.append(file.read())

start = time.process_time()
good = sum(dkim.verify(mail, dnsfunc=lambda name, timeout=5: record) for mail in mails)
print(good, time.process_time() - start)
