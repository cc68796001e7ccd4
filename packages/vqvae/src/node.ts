// The part of @tessera/vqvae that needs Node: tokenizers in files.
export { loadTokenizer, saveTokenizer } from './files.ts';
