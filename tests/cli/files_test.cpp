// Files are written whole or not at all, and checked before anything is computed.
#include "io/files.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "support.hpp"

namespace plait::cli {
namespace {

const std::atomic<bool> kGo{false};

TEST(Files, WritesAndReplaces) {
  const TempFolder folder;
  write_file(folder.path("a"), "one", kGo);
  EXPECT_EQ(slurp(folder.path("a")), "one");
  ::chmod(folder.path("a").c_str(), 0640);
  write_file(folder.path("a"), "two", kGo);
  EXPECT_EQ(slurp(folder.path("a")), "two");
  struct stat info {};
  ASSERT_EQ(::stat(folder.path("a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);  // the mode of what was replaced
  EXPECT_EQ(folder.names(), std::vector<std::string>{"a"});
}

TEST(Files, NewFilesHaveTheUsualMode) {
  const TempFolder folder;
  const mode_t mask = ::umask(027);
  write_file(folder.path("a"), "one", kGo);
  ::umask(mask);
  struct stat info {};
  ASSERT_EQ(::stat(folder.path("a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
}

TEST(Files, WritesThroughASymbolicLink) {
  const TempFolder folder;
  const std::string real = folder.file("real", "old");
  std::filesystem::create_symlink(real, folder.path("link"));
  write_file(folder.path("link"), "new", kGo);
  EXPECT_EQ(slurp(real), "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder.path("link")));
}

TEST(Files, AnInterruptLeavesTheOldFileAndNothingElse) {
  const TempFolder folder;
  const std::string path = folder.file("a", "old");
  const std::atomic<bool> cancel{true};
  EXPECT_CONTAINS(error_of([&] { write_file(path, "new", cancel); }), "interrupted");
  EXPECT_EQ(slurp(path), "old");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"a"});
}

TEST(Files, AFailedRenameLeavesNothing) {
  const TempFolder folder;
  std::filesystem::create_directory(folder.path("taken"));
  EXPECT_CONTAINS(error_of([&] { write_file(folder.path("taken"), "new", kGo); }), "cannot write");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"taken"});
}

TEST(Files, RefusesOutputsThatCannotBe) {
  const TempFolder folder;
  const std::string file = folder.file("file", "x");
  std::filesystem::create_directory(folder.path("sub"));
  EXPECT_CONTAINS(error_of([&] { check_output(folder.path("none/a.png"), {}); }),
                  "there is no folder");
  EXPECT_CONTAINS(error_of([&] { check_output(folder.path("sub"), {}); }), "Is a directory");
  EXPECT_CONTAINS(error_of([&] { check_output(file + "/a.png", {}); }), "cannot write");
  EXPECT_CONTAINS(error_of([&] { check_output(file, {file}); }), "same file as the input");
  EXPECT_CONTAINS(error_of([&] { check_output(folder.path("./sub/../file"), {file}); }),
                  "same file as the input");
  std::filesystem::create_hard_link(file, folder.path("other"));
  EXPECT_CONTAINS(error_of([&] { check_output(folder.path("other"), {file}); }),
                  "same file as the input");
  check_output(folder.path("new.png"), {file});
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"file", "other", "sub"}));
}

TEST(Files, RefusesFoldersAndFilesWithoutPermission) {
  if (::geteuid() == 0) GTEST_SKIP() << "permissions do not bind the superuser";
  const TempFolder folder;
  const std::string file = folder.file("file", "x");
  ::chmod(file.c_str(), 0400);
  EXPECT_CONTAINS(error_of([&] { check_output(file, {}); }), "Permission denied");
  std::filesystem::create_directory(folder.path("sub"));
  ::chmod(folder.path("sub").c_str(), 0500);
  EXPECT_CONTAINS(error_of([&] { check_output(folder.path("sub/a.png"), {}); }),
                  "Permission denied");
}

TEST(Files, ReadsFilesAndNothingElse) {
  const TempFolder folder;
  EXPECT_EQ(read_file(folder.file("a", std::string("x\0y", 3))), std::string("x\0y", 3));
  EXPECT_CONTAINS(error_of([&] { read_file(folder.path("none")); }), "No such file");
  EXPECT_CONTAINS(error_of([&] { read_file(folder.path(".")); }), "Is a directory");
  EXPECT_CONTAINS(error_of([&] { read_file(folder.file("empty", "")); }), "the file is empty");
  ASSERT_EQ(::mkfifo(folder.path("pipe").c_str(), 0600), 0);
  EXPECT_CONTAINS(error_of([&] { read_file(folder.path("pipe")); }), "not a file");
}

TEST(Files, ExtensionsAreLowerCase) {
  EXPECT_EQ(extension_of("a/b.PNG"), ".png");
  EXPECT_EQ(extension_of("a.b/c"), "");
  EXPECT_EQ(extension_of(".png"), "");
}

}  // namespace
}  // namespace plait::cli
