#include "tests/unit/drivers/shared/vmdk_maker.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <random>
#include <stdexcept>
#include <vector>

namespace flyt::tests {
namespace {

constexpr std::uint64_t sector = 512, descriptor_sectors = 20, entries = 512;

std::string deflated(std::string_view text, int window_bits) {
  z_stream zlib = {};
  if (deflateInit2(&zlib, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("deflateInit2");
  }
  std::string out(deflateBound(&zlib, text.size()) + 32, '\0');
  std::string in(text);
  zlib.next_in = reinterpret_cast<Bytef*>(in.data());
  zlib.avail_in = static_cast<uInt>(in.size());
  zlib.next_out = reinterpret_cast<Bytef*>(out.data());
  zlib.avail_out = static_cast<uInt>(out.size());
  if (deflate(&zlib, Z_FINISH) != Z_STREAM_END) throw std::runtime_error("deflate");
  out.resize(zlib.total_out);
  deflateEnd(&zlib);
  return out;
}

void pad(std::string& image, std::uint64_t to) { image.resize((image.size() + to - 1) / to * to); }

class Writer {
 public:
  Writer(const VmdkMaker& maker, std::string_view disk) : maker_(maker), disk_(disk) {
    grains_ = (disk.size() + maker.grain_bytes - 1) / maker.grain_bytes;
    tables_ = (grains_ + entries - 1) / entries;
    table_.resize(tables_ * entries);
  }

  std::string image() {
    const bool at_end = maker_.style == VmdkMaker::Style::vmware;
    const std::uint64_t directory = 1 + descriptor_sectors;
    first_table_ = directory + (tables_ * 4 + sector - 1) / sector;
    std::uint64_t overhead = at_end ? 128 : first_table_ + tables_ * 4;
    overhead = (overhead + 127) / 128 * 128;
    out_ = header(at_end ? ~std::uint64_t{0} : directory, overhead) + descriptor();
    out_.resize(overhead * sector);
    for (std::uint64_t i = 0; i != grains_; ++i) add_grain(i);
    if (maker_.style == VmdkMaker::Style::sparse) return front(directory);
    if (maker_.style == VmdkMaker::Style::qemu) {
      out_.append(2 * sector, '\0');
      return front(directory);
    }
    tail(overhead);
    return out_;
  }

 private:
  std::string header(std::uint64_t directory, std::uint64_t overhead) const {
    const bool sparse = maker_.style == VmdkMaker::Style::sparse;
    std::string text("KDMV", 4);
    text.resize(sector);
    put32(text, 4, sparse ? 1 : 3);
    put32(text, 8, sparse ? 1 : 0x30001);
    put64(text, 12, disk_.size() / sector);
    put64(text, 20, maker_.grain_bytes / sector);
    put64(text, 28, 1);
    put64(text, 36, descriptor_sectors);
    put32(text, 44, entries);
    put64(text, 56, directory);
    put64(text, 64, overhead);
    text.replace(73, 4, "\n \r\n");
    text[77] = sparse ? 0 : 1;
    return text;
  }

  std::string descriptor() const {
    const bool sparse = maker_.style == VmdkMaker::Style::sparse;
    const std::string type = sparse ? "monolithicSparse" : "streamOptimized";
    std::string text = fmt::format(
        "# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID={}\ncreateType=\"{}\"\n\n"
        "# Extent description\nRW {} SPARSE \"disk.vmdk\"\n\n#DDB\n"
        "ddb.adapterType = \"lsilogic\"\n{}",
        maker_.parent_cid, maker_.create_type.empty() ? type : maker_.create_type,
        disk_.size() / sector, maker_.more_lines);
    text.resize(descriptor_sectors * sector);
    return text;
  }

  void add_grain(std::uint64_t i) {
    std::string data(disk_.substr(i * maker_.grain_bytes, maker_.grain_bytes));
    if (std::all_of(data.begin(), data.end(), [](char c) { return c == '\0'; })) return;
    table_[i] = static_cast<std::uint32_t>(out_.size() / sector);
    if (maker_.skip_last_grain && i + 1 == grains_) return;
    if (maker_.style == VmdkMaker::Style::sparse) {
      out_ += data;
      pad(out_, maker_.grain_bytes);
      return;
    }
    const std::string packed = deflated(data, MAX_WBITS);
    std::string marker(12, '\0');
    put64(marker, 0, i * maker_.grain_bytes / sector);
    put32(marker, 8, static_cast<std::uint32_t>(packed.size()));
    out_ += marker + packed;
    pad(out_, sector);
  }

  std::string front(std::uint64_t directory) {
    for (std::uint64_t t = 0; t != tables_; ++t) {
      put32(out_, directory * sector + 4 * t, static_cast<std::uint32_t>(first_table_ + 4 * t));
      for (std::uint64_t i = 0; i != entries; ++i) {
        put32(out_, (first_table_ + 4 * t) * sector + 4 * i, table_[t * entries + i]);
      }
    }
    return out_;
  }

  void marker(std::uint64_t count, std::uint32_t type) {
    std::string text(sector, '\0');
    put64(text, 0, count);
    put32(text, 12, type);
    out_ += text;
  }

  void tail(std::uint64_t overhead) {
    std::string directory(tables_ * 4, '\0');
    for (std::uint64_t t = 0; t != tables_; ++t) {
      marker(4, 1);
      put32(directory, 4 * t, static_cast<std::uint32_t>(out_.size() / sector));
      std::string text(entries * 4, '\0');
      for (std::uint64_t i = 0; i != entries; ++i) put32(text, 4 * i, table_[t * entries + i]);
      out_ += text;
    }
    pad(directory, sector);
    marker(directory.size() / sector, 2);
    const std::uint64_t at = out_.size() / sector;
    out_ += directory;
    marker(1, 3);
    out_ += header(at, overhead);
    marker(0, 0);
  }

  const VmdkMaker& maker_;
  std::string_view disk_;
  std::uint64_t grains_, tables_, first_table_ = 0;
  std::vector<std::uint32_t> table_;
  std::string out_;
};

}  // namespace

std::string VmdkMaker::make(std::string_view disk) const { return Writer(*this, disk).image(); }

void put32(std::string& image, std::size_t offset, std::uint32_t value) {
  for (std::size_t i = 0; i != 4; ++i) image.at(offset + i) = static_cast<char>(value >> (8 * i));
}

void put64(std::string& image, std::size_t offset, std::uint64_t value) {
  for (std::size_t i = 0; i != 8; ++i) image.at(offset + i) = static_cast<char>(value >> (8 * i));
}

std::uint32_t get32(const std::string& image, std::size_t offset) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i != 4; ++i) {
    value |= std::uint32_t{static_cast<unsigned char>(image.at(offset + i))} << (8 * i);
  }
  return value;
}

std::string sample_disk(std::size_t size, std::size_t zero_from, std::size_t zero_to) {
  std::mt19937_64 random(size);  // NOLINT(cert-msc51-cpp): the same disk every time
  std::string disk(size, '\0');
  for (std::size_t i = 0; i + 8 <= size; i += 8) put64(disk, i, random());
  std::fill(disk.begin() + static_cast<std::ptrdiff_t>(zero_from),
            disk.begin() + static_cast<std::ptrdiff_t>(zero_to), '\0');
  return disk;
}

std::string gzip(std::string_view text) { return deflated(text, 16 + MAX_WBITS); }

}  // namespace flyt::tests
