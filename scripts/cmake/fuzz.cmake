# SPDX-License-Identifier: Apache-2.0
# For the fuzzers of tests/fuzz: clang's libFuzzer with both sanitizers; the first finding ends the
# program. Warnings are the business of the other kinds, which all build with g++.
set(CMAKE_CXX_COMPILER clang++-14 CACHE STRING "" FORCE)
set(CMAKE_BUILD_TYPE Debug CACHE STRING "" FORCE)
set(CMAKE_CXX_FLAGS_DEBUG
    "-O1 -g -fno-omit-frame-pointer -D_GLIBCXX_ASSERTIONS -fsanitize=fuzzer-no-link,address,undefined,float-cast-overflow -fno-sanitize-recover=all"
    CACHE STRING "" FORCE)
set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON CACHE BOOL "" FORCE)
set(HOLDFAST_WERROR OFF CACHE BOOL "" FORCE)
set(HOLDFAST_FUZZ ON CACHE BOOL "" FORCE)
