"""The commands of `regulars`, in order of use; what several of them share is in `common`."""
