# SPDX-License-Identifier: Apache-2.0
# For the debugger: no optimisation, assertions of ours and of the library on.
set(CMAKE_BUILD_TYPE Debug CACHE STRING "" FORCE)
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g -D_GLIBCXX_ASSERTIONS" CACHE STRING "" FORCE)
