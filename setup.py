from setuptools import Extension, setup

NATIVE = [
    f"bridge/native/{name}.c"
    for name in "checksum document line lines module pen press record rows scan stencil write".split()
]

setup(
    ext_modules=[
        Extension("bridge.native._core", NATIVE, extra_compile_args=["-O3"], optional=True)
    ]
)
