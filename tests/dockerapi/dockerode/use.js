// What the tests' scripts stand on: `docker`, and what a stream says. A script's value is printed as JSON.
const Docker = require('dockerode');
const { Writable } = require('node:stream');

const docker = new Docker({ socketPath: process.env.DOCKER_SOCKET });

const ended = (stream) => new Promise((resolve, reject) => stream.once('end', resolve).once('error', reject));

class Sink extends Writable {
  text = '';
  _write(piece, encoding, done) {
    this.text += piece;
    done();
  }
}

// all of a stream that is not multiplexed
const textOf = async (stream) => {
  const sink = new Sink();
  stream.on('data', (piece) => sink.write(piece));
  await ended(stream);
  return sink.text;
};

// both streams of one that is
const demux = async (stream) => {
  const [out, err] = [new Sink(), new Sink()];
  docker.modem.demuxStream(stream, out, err);
  await ended(stream);
  return { out: out.text, err: err.text };
};

const follow = (stream) =>
  new Promise((resolve, reject) => docker.modem.followProgress(stream, (error, lines) => (error ? reject(error) : resolve(lines))));

module.exports = { docker, Sink, textOf, demux, follow };
