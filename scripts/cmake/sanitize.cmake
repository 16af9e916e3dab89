# SPDX-License-Identifier: Apache-2.0
# AddressSanitizer and UndefinedBehaviorSanitizer; the first finding ends the program. GCC takes what they
# put in for paths that leave values unset (https://gcc.gnu.org/onlinedocs/gcc/Instrumentation-Options.html).
set(CMAKE_BUILD_TYPE Debug CACHE STRING "" FORCE)
set(CMAKE_CXX_FLAGS_DEBUG
    "-O1 -g -fno-omit-frame-pointer -D_GLIBCXX_ASSERTIONS -fsanitize=address,undefined -fno-sanitize-recover=all -Wno-maybe-uninitialized"
    CACHE STRING "" FORCE)
