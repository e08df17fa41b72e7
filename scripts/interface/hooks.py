"""What schemathesis loads before it starts (SCHEMATHESIS_HOOKS).

CPython before 3.11.8 and 3.12.2 counts the depth of a syntax tree once for all threads, so two threads that parse at the same time,
or a collection of garbage in between, end a sound run with "AST constructor recursion depth mismatch" (CPython issue 106905).
Hypothesis parses the source of lambdas while schemathesis works in several threads: here one parses at a time.
"""

import ast
import gc
import threading

_parse = ast.parse
_one = threading.RLock()


def _one_at_a_time(*arguments, **named):
    with _one:
        collected = gc.isenabled()
        gc.disable()
        try:
            return _parse(*arguments, **named)
        finally:
            if collected:
                gc.enable()


ast.parse = _one_at_a_time
