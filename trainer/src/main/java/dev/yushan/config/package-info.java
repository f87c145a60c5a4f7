/// What all configurations in YAML have in common.
package dev.yushan.config;
