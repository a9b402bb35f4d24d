"""The long runs that make `compact`: development code, outside the wheel.

They need PyTorch, and run from the repository's root, as in `python -m training.torch_run`.
`docs/compact.md` has the commands of each version.

pool.py              folders of images, and how often each is drawn from
lay_cutouts.py       images with transparency over backgrounds, for a larger pool
ask_teachers.py      caches of crops from folders
coloured_targets.py  a share of colours in what a run is held to
colour_length.py     another length for a trained student's colours
torch_run.py         a run over caches of crops, by several processes
torch_worker.py      one process of such a run
torch_settings.py    what a run is told
torch_student.py     the student in PyTorch
torch_start.py       takes over an earlier student's weights
torch_views.py       what the student sees of a cache, a little different each time
torch_optimisers.py  Muon and AdamW
torch_statistics.py  normalisation statistics of averaged weights
torch_finish.py      a checkpoint becomes the student's file
torch_average.py     one student of two checkpoints
"""
