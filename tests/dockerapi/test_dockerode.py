"""dockerode, as programs of JavaScript use it, on Capas."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.docker import Docker
from support.dockerode import run_script

pytestmark = pytest.mark.root


def test_run_gives_both_streams_and_the_code(docker: Docker) -> None:
    assert run_script(docker, """
        const [out, err] = [new Sink(), new Sink()];
        const command = ['sh', '-c', 'echo out; echo err >&2; exit 3'];
        const [end, container] = await docker.run('busybox', command, [out, err], { Tty: false, name: 'box' });
        await container.remove();
        return [end.StatusCode, out.text, err.text];
    """) == [3, "out\n", "err\n"]  # fmt: skip


def test_input_is_attached_before_the_start_and_ends(docker: Docker) -> None:
    assert run_script(docker, """
        const options = { Image: 'busybox', Cmd: ['cat'], OpenStdin: true, StdinOnce: true, AttachStdin: true };
        const container = await docker.createContainer(options);
        const ways = { stream: true, stdin: true, stdout: true, stderr: true, hijack: true };
        const stream = await container.attach(ways);
        const said = demux(stream);
        await container.start();
        stream.write('one\\n');
        stream.end('two\\n');
        return [await said, (await container.wait()).StatusCode];
    """) == [{"out": "one\ntwo\n", "err": ""}, 0]  # fmt: skip


def test_a_terminal_is_attached_and_resized(docker: Docker) -> None:
    said = run_script(docker, """
        const container = await docker.createContainer({ Image: 'busybox', OpenStdin: true, Tty: true });
        const stream = await container.attach({ stream: true, stdin: true, stdout: true, hijack: true });
        await container.start();
        await container.resize({ h: 22, w: 99 });
        stream.write('stty size; exit\\n');
        return await textOf(stream);
    """)  # fmt: skip
    assert "22 99" in said


def test_exec_carries_input_streams_and_code(docker: Docker) -> None:
    assert run_script(docker, """
        const container = await docker.createContainer({ Image: 'busybox', Cmd: ['sleep', '100'] });
        await container.start();
        const command = ['sh', '-c', 'cat; echo err >&2; exit 5'];
        const options = { Cmd: command, AttachStdin: true, AttachStdout: true, AttachStderr: true };
        const exec = await container.exec(options);
        const stream = await exec.start({ hijack: true, stdin: true });
        const said = demux(stream);
        stream.end('in\\n');
        return [await said, (await exec.inspect()).ExitCode];
    """) == [{"out": "in\n", "err": "err\n"}, 5]  # fmt: skip


def test_logs_come_whole_and_as_they_are_written(docker: Docker) -> None:
    assert run_script(docker, """
        const command = ['sh', '-c', 'seq 3; sleep 0.3; seq 2'];
        const container = await docker.createContainer({ Image: 'busybox', Cmd: command });
        await container.start();
        const followed = await demux(await container.logs({ follow: true, stdout: true, stderr: true }));
        const last = await container.logs({ stdout: true, stderr: true, tail: 1 });
        return [followed.out, last.subarray(8).toString()];
    """) == ["1\n2\n3\n1\n2\n", "2\n"]  # fmt: skip


def test_a_container_lives_through_pause_update_rename_and_death(docker: Docker) -> None:
    assert run_script(docker, """
        const container = await docker.createContainer({
          Image: 'busybox', name: 'one', Cmd: ['sleep', '100'], ExposedPorts: { '80/tcp': {} },
          HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '0' }] } },
        });
        await container.start();
        await container.pause();
        const held = (await container.inspect()).State.Status;
        await container.unpause();
        await container.update({ Memory: 64e6, MemorySwap: 64e6 });
        await container.rename({ name: 'two' });
        const facts = await container.inspect();
        const pids = (await container.stats({ stream: false })).pids_stats.current;
        await container.kill();
        const end = await container.wait();
        await container.remove({ v: true });
        const published = facts.NetworkSettings.Ports['80/tcp'].length;
        return [held, facts.Name, facts.HostConfig.Memory, published, pids, end.StatusCode];
    """) == ["paused", "/two", 64_000_000, 1, 1, 137]  # fmt: skip


def test_one_that_removes_itself_is_waited_for(docker: Docker) -> None:
    assert run_script(docker, """
        const options = { Image: 'busybox', Cmd: ['sh', '-c', 'exit 7'], HostConfig: { AutoRemove: true } };
        const container = await docker.createContainer(options);
        const gone = container.wait({ condition: 'removed' });
        await container.start();
        return (await gone).StatusCode;
    """) == 7  # fmt: skip


def test_an_image_is_built_of_files_with_its_progress(docker: Docker, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox\nARG A\nCOPY f /f\nRUN echo $A >> /f\n")
    (tmp_path / "f").write_text("x")
    context = json.dumps({"context": str(tmp_path), "src": ["Dockerfile", "f"]})
    lines = run_script(docker, f"""
        return follow(await docker.buildImage({context}, {{ t: 'made:1', buildargs: {{ A: 'b' }} }}));
    """)  # fmt: skip
    assert lines[-1] == {"stream": "Successfully tagged made:1\n"}
    assert docker.ok("run", "--rm", "made:1", "cat", "/f") == "xb\n"


def test_images_are_tagged_saved_and_loaded(docker: Docker) -> None:
    assert run_script(docker, """
        await docker.getImage('busybox').tag({ repo: 'other', tag: '1' });
        const archive = await docker.getImage('other:1').get();
        const lines = await follow(await docker.loadImage(archive));
        await docker.getImage('other:1').remove();
        return lines.at(-1).stream;
    """) == "Loaded image: other:1\n"  # fmt: skip


def test_a_failed_pull_and_a_missing_image_are_errors_with_a_status(docker: Docker) -> None:
    assert run_script(docker, """
        const failed = (error) => error.statusCode;
        return [await docker.pull('127.0.0.1:1/nothing:1').catch(failed),
                await docker.getImage('nothing').inspect().catch(failed),
                await docker.getContainer('nothing').start().catch(failed)];
    """) == [503, 404, 404]  # fmt: skip


def test_events_are_heard(docker: Docker) -> None:
    assert run_script(docker, """
        const events = await docker.getEvents({ filters: { type: ['container'], event: ['start', 'die'] } });
        const heard = new Promise((resolve) => {
          const actions = [];
          events.on('data', (line) => {
            for (const one of String(line).trim().split('\\n')) actions.push(JSON.parse(one).Action);
            if (actions.length === 2) resolve(actions);
          });
        });
        const container = await docker.createContainer({ Image: 'busybox', Cmd: ['true'] });
        await container.start();
        return heard;
    """) == ["start", "die"]  # fmt: skip


def test_networks_and_volumes_are_made_found_and_removed(docker: Docker) -> None:
    assert run_script(docker, """
        const network = await docker.createNetwork({ Name: 'ours', CheckDuplicate: true, IPAM: { Driver: 'default' } });
        const container = await docker.createContainer({ Image: 'busybox', Cmd: ['sleep', '100'] });
        await container.start();
        await network.connect({ Container: container.id, EndpointConfig: { Aliases: ['server'] } });
        const joined = Object.keys((await network.inspect()).Containers).length;
        await network.disconnect({ Container: container.id });
        await network.remove();
        await docker.createVolume({ Name: 'kept', Labels: { a: 'b' } });
        const found = await docker.listVolumes({ filters: { label: ['a=b'] } });
        await docker.getVolume('kept').remove();
        return [joined, found.Volumes.map((one) => one.Name)];
    """) == [1, ["kept"]]  # fmt: skip
