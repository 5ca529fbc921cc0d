#include "cli/countries.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace flyt::cli {
namespace {

// ISO 3166-1 alpha-2, officially assigned, sorted; two letters each.
constexpr std::string_view codes =
    "ADAEAFAGAIALAMAOAQARASATAUAWAXAZ"
    "BABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZ"
    "CACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZ"
    "DEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFR"
    "GAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHU"
    "IDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZ"
    "LALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZ"
    "NANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURW"
    "SASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZ"
    "TCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSYEYTZAZMZW";
static_assert(codes.size() == 249 * 2);

std::string_view find(std::string_view code) noexcept {
  for (std::size_t at = 0; at < codes.size(); at += 2) {
    if (codes.substr(at, 2) == code) return codes.substr(at, 2);
  }
  return {};
}

}  // namespace

bool is_country(std::string_view code) noexcept { return !find(code).empty(); }

std::string_view likely_country(std::string_view code) noexcept {
  if (code.size() != 2) return {};
  std::array<char, 2> capitals{};
  std::transform(code.begin(), code.end(), capitals.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::toupper(letter)); });
  const std::string_view upper(capitals.data(), capitals.size());
  if (upper == "UK") return "GB";
  if (upper == "EL") return "GR";
  return find(upper);
}

}  // namespace flyt::cli
