# SPDX-License-Identifier: Apache-2.0
# For the debugger: no optimisation, assertions of ours and of the library on.
set(CMAKE_BUILD_TYPE Debug CACHE STRING "" FORCE)
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g -D_GLIBCXX_ASSERTIONS" CACHE STRING "" FORCE)
# Here every file includes what it uses by itself: that is what is checked.
set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON CACHE BOOL "" FORCE)
