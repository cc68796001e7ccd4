// What the file system says, turned into a FileError that says it in words and names the way out.
import { ConfigError, FileError, TesseraError } from '../errors.ts';

const noPermission = 'no permission. Give this user the right to it, or choose a folder of your own';
const explanations: Readonly<Record<string, string>> = {
  EACCES: noPermission,
  EPERM: noPermission,
  EBUSY: 'it is in use. Close what uses it and try again',
  EDQUOT: 'the disk quota is used up. Free some space and try again; what was saved before is intact',
  EEXIST: 'it exists already. Choose another name, or remove it first',
  EFBIG: 'the file would be larger than the file system allows',
  EIO: 'the device failed. Check the disk; what was saved before may still be read',
  EISDIR: 'it is a folder. Name a file',
  ELOOP: 'its symbolic links go round in circles. Check them',
  EMFILE: 'too many open files. Close some, or raise the limit (`ulimit -n`)',
  ENAMETOOLONG: 'the name is too long. Choose a shorter one',
  ENFILE: 'too many open files on this machine. Close some and try again',
  ENOENT: 'no such file or folder. Check the path; folders are made with makeDirectory',
  ENOSPC: 'the disk is full. Free some space and try again; what was saved before is intact',
  ENOTDIR: 'a part of the path is a file, not a folder. Check the path',
  ENOTEMPTY: 'the folder is not empty. Remove it first, or choose another name',
  EROFS: 'the file system is read-only. Choose a folder elsewhere',
  EXDEV: 'the two names are on different file systems. Choose names on one',
};

/** The error of `action` ("write", "list", ...) on `path`: a FileError with the file system's code; an error of Tessera stays as it is. */
export function fileError(action: string, path: string, cause: unknown): TesseraError {
  if (cause instanceof TesseraError) return cause;
  const code = codeOf(cause);
  const text = cause instanceof Error ? cause.message : String(cause);
  // Node's own codes are about arguments: a path with a zero byte, a path that is no string.
  if (code?.startsWith('ERR_') === true) {
    return new ConfigError(`files: cannot ${action} ${JSON.stringify(path)}: ${text}`, { cause });
  }
  const explanation = code === undefined ? undefined : explanations[code];
  const reason = explanation === undefined ? text : `${explanation} (${code})`;
  return new FileError(`files: cannot ${action} '${path}': ${reason}.`, { cause, code });
}

/** The file system's code of an error, if it has one. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}
