from setuptools import Extension, setup

NAMES = "checksum document line lines module pen press record rows scan stencil write"
NATIVE = [f"bridge/native/{name}.c" for name in NAMES.split()]

setup(
    ext_modules=[
        Extension("bridge.native._core", NATIVE, extra_compile_args=["-O3"], optional=True)
    ]
)
