"""Exports of shops and tills that are recognised by their headers: one map a file, with the reason of each rule.

A file `<export>.toml` is a map as any user writes it, and a table `[export]` that `recognise` reads: what it is called,
the headers that tell it, where its format is documented, and what is done about refunds, tax, shipping and tips.
"""
