// SPDX-License-Identifier: Apache-2.0
// The sections of the configuration that say how others learn what a run did.
#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "jobs/cli/config_sections.h"
#include "jobs/cli/config_values.h"
#include "jobs/cli/webhook_url.h"

namespace holdfast {
namespace {

constexpr std::array<std::string_view, 6> kLogLevels{
    "info", "trace", "debug", "warn", "error", "off"};
constexpr std::array<std::string_view, 2> kLogFormats{"text", "json"};
constexpr std::chrono::milliseconds kShortestLimit = std::chrono::seconds{1};
constexpr std::chrono::milliseconds kLongestLimit = std::chrono::seconds{30};

std::filesystem::path place(const std::filesystem::path& folder, const std::string& written) {
  return (folder / written).lexically_normal();
}

void read_metrics(ConfigTable section, const std::filesystem::path& folder, Settings& settings) {
  constexpr std::string_view kExample = R"("/var/lib/prometheus/node-exporter/holdfast.prom")";
  if (const auto file = section.text("textfile", kExample)) {
    settings.metrics_textfile = place(folder, *file);
    if (settings.metrics_textfile.extension() != ".prom") {
      section.refuse("textfile",
                     "does not end in .prom, and node_exporter reads no other file: write " +
                         std::string(kExample));
    }
  }
  section.refuse_unknown();
}

/// The outcomes that are told; the default stays where the key is missing.
void read_outcomes(ConfigTable& section, std::set<Outcome>& outcomes) {
  const std::vector<ConfigText> list = section.texts("on");
  if (!section.has("on")) {
    return;
  }
  outcomes.clear();
  for (const ConfigText& written : list) {
    if (const auto outcome = parse_outcome(written.text)) {
      outcomes.insert(*outcome);
    } else {
      section.refuse_at(written.line,
                        "on",
                        "\"" + written.text +
                            "\" is no outcome of a run: write some of \"completed\", \"partial\", "
                            "\"limited\", \"refused\", \"failed\", \"invalid\", \"interrupted\"");
    }
  }
  if (section.is_empty_array("on")) {
    section.refuse("on", "is empty, so nobody would ever be told: leave the section out instead");
  }
}

WebhookSettings read_webhook_keys(ConfigTable& section, const std::filesystem::path& folder) {
  WebhookSettings webhook;
  section.require("url", R"("https://alerts.example.com/holdfast")");
  section.require("secret_file", R"("/etc/holdfast/webhook.secret")");
  webhook.url = section.text("url", R"("https://alerts.example.com/holdfast")").value_or("");
  webhook.secret_file =
      place(folder, section.text("secret_file", R"("/etc/holdfast/webhook.secret")").value_or(""));
  assign(webhook.allow_http, section.flag("allow_http"));
  if (!webhook.url.empty()) {
    if (const auto fault = webhook_url_fault(webhook.url, webhook.allow_http)) {
      section.refuse("url", *fault);
    }
  }
  read_outcomes(section, webhook.on);
  assign(webhook.time_limit, section.parsed("time_limit", R"("30s")", parse_duration));
  if (webhook.time_limit < kShortestLimit || webhook.time_limit > kLongestLimit) {
    section.refuse("time_limit", R"(is not between "1s" and "30s": a run waits for it)");
  }
  return webhook;
}

void read_webhook(ConfigTable section, const std::filesystem::path& folder, Settings& settings) {
  WebhookSettings webhook = read_webhook_keys(section, folder);
  section.refuse_unknown();
  if (section.present()) {
    settings.webhook = std::move(webhook);
  }
}

void read_log(ConfigTable section, Settings& settings) {
  assign(settings.log_level, section.word("level", kLogLevels));
  if (const auto format = section.word("format", kLogFormats)) {
    settings.log_format = *format == "json" ? LogFormat::json : LogFormat::text;
  }
  section.refuse_unknown();
}

}  // namespace

void read_monitoring_sections(ConfigTable& file,
                              const std::filesystem::path& folder,
                              Settings& settings) {
  read_metrics(file.table("metrics", "a [metrics] section"), folder, settings);
  read_webhook(file.table("webhook", "a [webhook] section"), folder, settings);
  read_log(file.table("log", "a [log] section"), settings);
}

}  // namespace holdfast
