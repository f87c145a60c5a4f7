/// `yushan bench`: how fast a backend trains, reads prompts, generates and serves, held against
/// what its device can do at most.
package dev.yushan.cli.bench;
