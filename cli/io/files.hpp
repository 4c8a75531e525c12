// Reading whole files, and writing them so that a failure leaves nothing behind.
#pragma once

#include <atomic>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <plait/error.hpp>

namespace plait::cli {

// Extension in lower case with its dot: ".png". Empty if there is none.
std::string extension_of(const std::string& path);

// Throws Error unless the extension of `path` is one of `known`: "plot a.gif has the extension
// .gif; charts are .svg or .png", where `name` is "plot" and `takes` is the rest.
void check_extension(const std::string& name, const std::string& path,
                     std::initializer_list<std::string_view> known, const std::string& takes);

// The bytes of a regular file. Throws Error (Status::io) when it is missing, no file, unreadable,
// empty, or larger than 16 GiB.
std::string read_file(const std::string& path);

// Throws Error, before anything is computed, when `path` cannot become a file: no such folder, no
// permission, a folder of that name, or one of `inputs` under any name. Touches nothing.
void check_output(const std::string& path, const std::vector<std::string>& inputs);

// Writes a temporary file beside `path` and renames it, so that `path` is either whole or as it
// was. On a failure, or when `cancel` is set before the rename, the temporary file is removed and
// Error is thrown.
void write_file(const std::string& path, std::string_view bytes, const std::atomic<bool>& cancel);

}  // namespace plait::cli
