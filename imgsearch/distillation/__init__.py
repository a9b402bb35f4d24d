"""Distillation: a small student learns the geometry of larger networks' embeddings.

The student's architecture and the file it ships in are those of
`imgsearch.networks.backbones.compact`. The long runs that made that network are in `training/`,
outside the package.

settings.py     what a run is asked for
run.py          a whole run, from files to the student's file
targets.py      teachers, whitening, the cache of crops
dense.py        targets of every location of a crop
crops.py        random crops, and mixtures of several
distortions.py  images that a narrow pool lacks
student.py      the student in Keras 3, for training
losses.py       what the student is held to
training.py     the loop and its checkpoints
figures.py      retrieval on labelled folders: how good a student is
reshaping.py    an earlier student's weights in another shape
heads.py        a linear head for features that are there already
folding.py      normalisations folded into convolutions, and the student's file
"""
