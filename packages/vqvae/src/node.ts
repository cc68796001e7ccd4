// The part of @tessera/vqvae that needs Node: tokenizers in files.
export { loadTokenizer, loadVideoTokenizer, saveTokenizer } from './files.ts';
