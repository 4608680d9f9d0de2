"""How good enhanced speech is: PESQ, STOI, SI-SDR and loudness against a reference, DNSMOS without one.

A room of its own for a heavy extra, `cipredict[audio]`: a gate reads the numbers from a file and imports none of this.
"""
