// What can be missing for a native engine, each with the command that mends it. Messages are functions, so that tests show all of them and none is written twice.

/** How to get a native engine; other parts of the package point here. */
export const installCommand = "'tessera engine install' (in this repository: npm run engine:native)";

/** The package whose addon this is about. */
export const packageName = '@tensorflow/tfjs-node-gpu';

const gibibyte = 2 ** 30;

function gigabytes(bytes: number): string {
  return `${Number((bytes / gibibyte).toPrecision(2))} GiB`;
}

function howToGet(
  platform: string,
  names: { readonly apt: string; readonly dnf: string; readonly mac: string },
): string {
  if (platform === 'darwin') return `Install it with '${names.mac}'.`;
  return `Install it with 'apt-get install ${names.apt}' (Debian, Ubuntu) or 'dnf install ${names.dnf}' (Fedora).`;
}

/** Everything that installing can trip over; each text ends with the way out. */
export const problems = {
  noPackage: () =>
    `engine install: the optional package ${packageName} is not installed, and its sources are what is compiled. Install it with 'npm install --ignore-scripts ${packageName}'.`,
  noSources: (folder: string) =>
    `engine install: ${packageName} is installed without its sources (${folder}). Install it again: 'npm install --ignore-scripts ${packageName}'.`,
  platform: (platform: string, arch: string) =>
    `engine install: the addon is compiled on Linux and macOS only, and this is ${platform} ${arch}. Take TensorFlow.js's own binary: 'tessera engine install --prebuilt'.`,
  noCompiler: (platform: string, tried: readonly string[]) =>
    `engine install: no C++ compiler (tried ${tried.join(', ')}). ${howToGet(platform, { apt: 'g++', dnf: 'gcc-c++', mac: 'xcode-select --install' })} Another one is named by the variable CXX.`,
  noHeaders: (version: string, tried: readonly string[]) =>
    `engine install: no headers of Node ${version}: node_api.h is in none of ${tried.join(', ')}, and it cannot be downloaded. Get it with 'npm install --no-save node-api-headers', or name a folder that holds include/node by the variable npm_config_nodedir.`,
  compilerFailed: (compiler: string, firstError: string) =>
    `engine install: ${compiler} could not compile the addon: ${firstError}. The compiler must know C++17; name another one by the variable CXX, or another TensorFlow with --tensorflow DIR.`,
  noPip: (platform: string, tried: readonly string[]) =>
    `engine install: no Python with pip (tried ${tried.join(', ')}), which downloads TensorFlow. ${howToGet(platform, { apt: 'python3-pip', dnf: 'python3-pip', mac: 'brew install python' })} Or name a TensorFlow that is there: --tensorflow DIR.`,
  noNetwork: (what: string, line: string) =>
    `engine install: ${what} cannot be downloaded: ${line}. Check the network and pip's settings ('pip config list'; behind a proxy set HTTPS_PROXY), or name a TensorFlow that is there: --tensorflow DIR.`,
  noWheel: (what: string, line: string) =>
    `engine install: pip found no ${what} for this machine: ${line}. An old pip does not know new wheels: 'python3 -m pip install --upgrade pip'. Or name a TensorFlow that is there: --tensorflow DIR.`,
  pipFailed: (what: string, line: string) =>
    `engine install: pip could not get ${what}: ${line}. Try it by hand ('python3 -m pip download --no-deps ${what}'), or name a TensorFlow that is there: --tensorflow DIR.`,
  noSpace: (folder: string, needed: number, free: number) =>
    `engine install: expected ${gigabytes(needed)} of free disk space at '${folder}', got ${gigabytes(free)}. Free some, or name a folder on another disk by the variable TESSERA_CACHE.`,
  diskFull: (folder: string) =>
    `engine install: the disk of '${folder}' is full. Free some space and run it again, or name a folder on another disk by the variable TESSERA_CACHE.`,
  noTensorFlow: (folder: string, missing: string) =>
    `engine install: expected a folder with TensorFlow's C library and headers, and '${folder}' has no ${missing}. Name the folder 'tensorflow' of an unpacked wheel, or one with lib/ and include/ as libtensorflow is published.`,
  noPython: (python: string) =>
    `engine install: '${python}' cannot be run as a Python. Name one with --python PYTHON, or the variable TESSERA_PYTHON.`,
  pythonWithout: (python: string) =>
    `engine install: the Python '${python}' has no TensorFlow. Install it there with '${python} -m pip install tensorflow-cpu', or leave --python out.`,
  gpuRefused: () =>
    "engine install: the CUDA libraries were not downloaded, since nobody agreed. Run it again with --yes, or without --gpu for the CPU's.",
  prebuiltFailed: (line: string) =>
    `engine install: TensorFlow.js's own binary could not be had: ${line}. It is downloaded from its maker's host and exists for few systems; without --prebuilt the addon is compiled here.`,
  notVerified: (reason: string) =>
    `engine install: the addon was built, but does not work: ${reason}. Nothing was linked. Name another TensorFlow with --tensorflow DIR, or another compiler by the variable CXX.`,
  nothingWorked: (attempts: readonly string[]) =>
    `engine install: no way led to a native engine.\n${attempts.map((text) => `  - ${text}`).join('\n')}`,
  manyWays: (flags: readonly string[]) =>
    `engine install: ${flags.join(' and ')} exclude one another. Give one of them.`,
} as const;

/** Why an addon does not load, from what the system's loader says, in words. */
export function explainLoadFailure(line: string): string {
  if (/libtensorflow\S*: cannot open shared object file|Library not loaded/.test(line)) {
    return `${line}. The TensorFlow that it was built against has gone`;
  }
  if (/different Node\.js version|undefined symbol: _?napi_/.test(line))
    return `${line}. It was built for another Node`;
  if (/undefined symbol|Symbol not found|version `\S+' not found/.test(line)) {
    return `${line}. It was built against another TensorFlow or another system's libraries`;
  }
  if (/ELF|file too short|not a mach-o|incompatible architecture|slice is not valid/i.test(line)) {
    return `${line}. It is damaged, or was built for another machine`;
  }
  return `${line}. It was built for another Node, another TensorFlow library or another machine`;
}
