"""What it costs: figures as ratios within one run (`make bench`)."""
