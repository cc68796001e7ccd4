import { createEngine } from '@tessera/engine/node';
import * as e from '@tessera/engine';
import { ndarray } from '@tessera/core';
const eng = await createEngine({backend:'tensorflow'});
const rnd=(s)=>{const a=ndarray('float32',s);for(let i=0;i<a.data.length;i++)a.data[i]=Math.random()-.5;return a};
function time(name,st,body,n=16){
  const state=eng.state(st);
  const p=state.program(name,{},(_, s)=>{let y;for(let i=0;i<n;i++){const z=e.sum(body(s,i));y=y?e.add(y,z):z}return {y}});
  for(let i=0;i<3;i++)p.run({});
  const ts=[];for(let i=0;i<15;i++){const t=performance.now();p.run({});ts.push(performance.now()-t)}
  ts.sort((a,b)=>a-b);console.log(name.padEnd(44),(ts[7]/n).toFixed(3),'ms each');
  p.dispose();state.dispose();
}
time('decode 256x(324)x64',{q:rnd([256,1,64]),k:rnd([256,340,64]),v:rnd([256,340,64]),n:rnd([256,1,64])},(s,i)=>e.decodeAttention(e.mul(s.q,i),{keys:s.k,values:s.v,position:e.constant(ndarray('int32',[],Int32Array.of(324)))},{keys:s.n,values:s.n}));
for (const [k,n] of [[256,768],[256,256],[256,1024],[1024,256]]) time(`64x${k}x${n}`,{a:rnd([64,k]),b:rnd([k,n])},(s,i)=>e.matMul(e.mul(s.a,i),s.b));
time(`64x256x512T`,{a:rnd([64,256]),b:rnd([512,256])},(s,i)=>e.matMul(e.mul(s.a,i),s.b,{transposeB:true}));
time(`gelu 64x1024`,{a:rnd([64,1024])},(s,i)=>e.gelu(e.mul(s.a,i)));
time(`ln 64x256`,{a:rnd([64,256]),b:rnd([256])},(s,i)=>e.layerNorm(e.mul(s.a,i),s.b,s.b));
time(`mul 64x256`,{a:rnd([64,256])},(s,i)=>e.mul(s.a,i));
time(`categorical`,{a:rnd([64,512]),u:rnd([64])},(s,i)=>e.toFloat(e.categorical(e.mul(s.a,i),s.u)));
time(`transpose`,{a:rnd([64,1,3,4,64])},(s,i)=>e.transpose(e.mul(s.a,i),[2,0,3,1,4]));
