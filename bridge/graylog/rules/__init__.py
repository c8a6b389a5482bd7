"""Rules and pipelines as files: found, checked without a server, and tested on the judge."""

from bridge.graylog.rules.lint import check, check_set
from bridge.graylog.rules.source import Pipeline, Rule, RuleSet, rule_sets

__all__ = ["Pipeline", "Rule", "RuleSet", "check", "check_set", "rule_sets"]
