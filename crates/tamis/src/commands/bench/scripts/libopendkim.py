# Verifies the mails of a folder with libopendkim, called from Python; the key's record stands beside them.
# Prints how many verify, and the seconds of processor time that took.
import os
import sys
import time
from ctypes import CDLL, CFUNCTYPE, byref, c_char_p, c_int, c_size_t, c_uint, c_void_p, memmove

library = CDLL("libopendkim.so.11")
library.dkim_libversion.restype = c_uint
if sys.argv[1] == "--version":
    print("libopendkim %d.%d.%d" % tuple(library.dkim_libversion().to_bytes(4, "big")[:3]))
    sys.exit()

OK = 0
LOOKUP = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_size_t)
library.dkim_init.restype = c_void_p
library.dkim_verify.restype = c_void_p
library.dkim_verify.argtypes = [c_void_p, c_char_p, c_void_p, c_void_p]
library.dkim_set_key_lookup.argtypes = [c_void_p, LOOKUP]
library.dkim_chunk.argtypes = [c_void_p, c_char_p, c_size_t]
library.dkim_eom.argtypes = [c_void_p, c_void_p]
library.dkim_free.argtypes = [c_void_p]

folder = sys.argv[1]
with open(os.path.join(folder, "record"), "rb") as file:
    record = file.read() + b"\0"
mails = []
for name in sorted(os.listdir(folder)):
    if name.endswith(".eml"):
        with open(os.path.join(folder, name), "rb") as file:
            mails.append(file.read())


@LOOKUP
def lookup(_message, _signature, buffer, _size):
    memmove(buffer, record, len(record))
    return OK


def verifies(mail):
    status = c_int()
    message = library.dkim_verify(verifier, b"bench", None, byref(status))
    library.dkim_chunk(message, mail, len(mail))
    library.dkim_chunk(message, None, 0)
    good = library.dkim_eom(message, None) == OK
    library.dkim_free(message)
    return good


verifier = library.dkim_init(None, None)
library.dkim_set_key_lookup(verifier, lookup)
start = time.process_time()
good = sum(verifies(mail) for mail in mails)
print(good, time.process_time() - start)
