"""Distillation: a small student learns the geometry of larger networks' embeddings.

The student's architecture and the file it ships in are those of
`imgsearch.networks.backbones.compact`. The long runs that made that network are in `training/`,
outside the package.

settings.py      the settings of a run
observer.py      its callbacks
run.py           a whole run, from image files to the student's file
training_set.py  readable images, what is held out, crops with the teachers' embeddings
targets.py       teachers, and the cache of crops
dense.py         targets for every location of a crop
crops.py         random crops, and mixtures of several
distortions.py   distorted images, for students that train on few kinds of images
student.py       the student in Keras 3, for training
losses.py        its loss
batches.py       the batch of each step
training.py      the training loop, and its checkpoints
figures.py       figures on held-out images and on a labelled folder
reshaping.py     an earlier student's weights in another architecture
heads.py         a linear head, fitted to the features of a trained student
folding.py       normalisations folded into convolutions, and the student's file
"""
