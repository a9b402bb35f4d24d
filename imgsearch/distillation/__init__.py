"""Distillation: a small student learns the geometry of larger networks' embeddings.

architecture.py      the student's one definition, plain values
weights.py           folding, and the file that students ship in
student.py           the student in Keras 3
losses.py            what the student is held to
crops.py             random crops of pictures, and mixtures of several
distortions.py       pictures that a narrow pool does not have
targets.py           teachers, whitening, the cache of crops
dense.py             targets of every location of a crop
reshaping.py         an earlier student's weights in another shape
heads.py             a linear head for features that are there already
training.py          the loop, its checkpoints, its figures
figures.py           how good a student is: retrieval on labelled folders
settings.py          what a run is asked for
run.py               a whole run, from pictures to the student's file
pool.py              folders of pictures, and how often each is drawn from, for long runs
lay_cutouts.py       pictures with transparency over backgrounds, for a larger pool
ask_teachers.py      caches of crops from folders, for development's long runs
coloured_targets.py  a share of colours in what such a run is held to
colour_length.py     colours of another length in what a trained student says
torch_student.py     the same student in PyTorch, for these
torch_start.py       such a student takes over the weights of an earlier one
torch_views.py       what it is shown of a cache of crops, a little different each time
torch_statistics.py  statistics of averaged weights, for their normalisations
torch_finish.py      the student's file of a run's checkpoint, with statistics of its own
torch_average.py     one student of two checkpoints
torch_optimisers.py  Muon and AdamW for it
torch_settings.py    what a run of it is told
torch_worker.py      one process of such a run
torch_run.py         such a run, over a cache of crops, by several processes
"""
