"""The dashboard: what management and engineers look at."""
