# The greatest common divisor of what an RSA modulus divides, with GMP: in the file two lines of a signature and
# the block that was signed, hexadecimal. Prints the divisor, without small factors.
import sys

import gmpy2

if sys.argv[1] == "--version":
    print("gmpy2", gmpy2.version(), gmpy2.mp_version())
    sys.exit()

EXPONENT = 65537
with open(sys.argv[1]) as file:
    pairs = [[gmpy2.mpz(word, 16) for word in line.split()] for line in file]
first, second = (signature**EXPONENT - block for signature, block in pairs)
divisor = gmpy2.gcd(first, second)
for factor in range(2, 1000):
    while divisor % factor == 0:
        divisor //= factor
print(format(divisor, "x"))
