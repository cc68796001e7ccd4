import { createEngine } from '@tessera/engine/node';
import * as e from '@tessera/engine';
import { ndarray } from '@tessera/core';
const eng = await createEngine({backend:'tensorflow'});
const rnd=(s)=>{const a=ndarray('float32',s);for(let i=0;i<a.data.length;i++)a.data[i]=Math.random()-.5;return a};
function time(name,flops,st,body){
  const state=eng.state(st);
  const p=state.program(name,{},(_, s)=>({y:e.sum(body(s))}));
  for(let i=0;i<5;i++)p.run({});
  const ts=[];for(let i=0;i<40;i++){const t=performance.now();p.run({});ts.push(performance.now()-t)}
  ts.sort((a,b)=>a-b);console.log(name.padEnd(44),ts[20].toFixed(2),'ms',(flops/ts[20]/1e6).toFixed(0),'GFLOPS');
  p.dispose();state.dispose();
}
function comp(qkv,heads){const [batch,tokens,total]=qkv.shape;const depth=total/3/heads;
  const split = e.transpose(e.reshape(qkv, [batch, tokens, 3, heads, depth]), [2, 0, 3, 1, 4]);
  const part = (i) => e.reshape(e.slice(split, [i, 0, 0, 0, 0], [1, batch, heads, tokens, depth]), [batch * heads, tokens, depth]);
  const scores = e.mul(e.matMul(part(0), part(1), { transposeB: true }), 1 / Math.sqrt(depth));
  const m=ndarray('float32',[tokens,tokens]);for(let i=0;i<tokens;i++)m.data.fill(-1e9,i*tokens+i+1,(i+1)*tokens);
  const mixed = e.matMul(e.softmax(e.add(scores, e.constant(m))), part(2));
  return e.reshape(e.transpose(e.reshape(mixed, [batch, heads, tokens, depth]), [0, 2, 1, 3]), [batch, tokens, total / 3]);}
for (const [B,T,W,H] of [[16,100,128,4],[8,340,256,4]]) {
const G=2*B*T*T*W;
time(`attn own fwd ${B},${T},${W}`,2*G,{a:rnd([B,T,3*W])},s=>e.causalAttention(s.a,{heads:H}));
time(`attn comp fwd`,2*G,{a:rnd([B,T,3*W])},s=>comp(s.a,H));
time(`attn own fwd+bwd`,6*G,{a:rnd([B,T,3*W]),g:rnd([B,T,W])},s=>e.gradients(e.sum(e.mul(s.g,e.causalAttention(s.a,{heads:H}))),[s.a])[0]);
time(`attn comp fwd+bwd`,6*G,{a:rnd([B,T,3*W]),g:rnd([B,T,W])},s=>e.gradients(e.sum(e.mul(s.g,comp(s.a,H))),[s.a])[0]);
const N=B*T;
time(`fwd ${N}x${W}:${W}x${4*W}`,2*N*W*4*W,{a:rnd([N,W]),b:rnd([W,4*W])},s=>e.matMul(s.a,s.b));
time(`dx`,2*N*W*4*W,{a:rnd([N,4*W]),b:rnd([W,4*W])},s=>e.matMul(s.a,s.b,{transposeB:true}));
time(`dw own`,2*N*W*4*W,{a:rnd([N,W]),b:rnd([N,4*W])},s=>e.matMul(s.a,s.b,{transposeA:true}));
time(`dw tf `,2*N*W*4*W,{a:rnd([1,N,W]),b:rnd([1,N,4*W])},s=>e.matMul(s.a,s.b,{transposeA:true}));
time('gelu',N*4*W,{a:rnd([N,4*W])},s=>e.gelu(s.a));
time('gelu fwd+bwd',N*4*W,{a:rnd([N,4*W]),g:rnd([N,4*W])},s=>e.gradients(e.sum(e.mul(s.g,e.gelu(s.a))),[s.a])[0]);
time('biasAdd',N*4*W,{a:rnd([N,4*W]),b:rnd([4*W])},s=>e.biasAdd(s.a,s.b));
time('mul',N*4*W,{a:rnd([N,4*W]),b:rnd([N,4*W])},s=>e.mul(s.a,s.b));
time('colsum',N*4*W,{a:rnd([N,4*W])},s=>e.sum(s.a,{axes:[0]}));
time('layernorm',N*W,{a:rnd([N,W]),b:rnd([W])},s=>e.layerNorm(s.a,s.b,s.b));
time('add',N*W,{a:rnd([N,W]),b:rnd([N,W])},s=>e.add(s.a,s.b));
time('CE 512',N*512,{a:rnd([N,512]),b:ndarray('int32',[N])},s=>e.softmaxCrossEntropy(s.a,s.b));
}
time('empty',1,{a:rnd([4])},s=>s.a);
