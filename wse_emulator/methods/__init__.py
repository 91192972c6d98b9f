"""What the methods of a result do: sentences, tables, pictures, folders, and further questions.

:mod:`wse_emulator.results.answer` declares the methods; each calls the function here when it is
called. A kind of result registers itself with the functions of this folder.
"""
