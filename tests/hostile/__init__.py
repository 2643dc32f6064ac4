"""Uploads that mean harm, are damaged or merely odd, and how each must end.

`python -m tests.hostile` makes every one, sends it the whole way (prober, plan, a task with the
real ffmpeg, verification), and prints how it ended, in how many seconds and MiB. All are made by
code from the committed sample; none is stored.

    trial.py     one upload through everything, with a secret file and open ports beside it
    kitchen.py   plain videos in every container, to be damaged
    attacks.py   files that name other files and addresses
    bombs.py     little files that would cost much
    damage.py    cut off at each structure, bits turned over
    oddities.py  honest files that few programs make, and files that are no videos
    found.py     what the fuzzer found
    fuzz.py      real containers, mutated by seed, for as long as one likes
"""
