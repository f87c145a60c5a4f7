package dev.yushan.data;

/// A record that was bad or empty.
record BadRecord(long position, String why) {}
