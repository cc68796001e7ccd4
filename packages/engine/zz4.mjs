import { createEngine } from '@tessera/engine/node';
import * as e from '@tessera/engine';
import { ndarray } from '@tessera/core';
const eng = await createEngine({backend:'tensorflow'});
const rnd=(s)=>{const a=ndarray('float32',s);for(let i=0;i<a.data.length;i++)a.data[i]=Math.random()-.5;return a};
function time(name,st,body,n=8){
  const state=eng.state(st);
  const p=state.program(name,{},(_, s)=>{let y;for(let i=0;i<n;i++){const z=e.sum(body(s,i));y=y?e.add(y,z):z}return {y}});
  for(let i=0;i<3;i++)p.run({});
  const ts=[];for(let i=0;i<15;i++){const t=performance.now();p.run({});ts.push(performance.now()-t)}
  ts.sort((a,b)=>a-b);console.log(name.padEnd(44),(ts[7]/n).toFixed(3),'ms each');
  p.dispose();state.dispose();
}
const B=256,T=26,W=64,H=2,N=B*T;
function comp(s,i){const qkv=e.mul(s.a,i+1);const depth=W/H;
  const split = e.transpose(e.reshape(qkv, [B, T, 3, H, depth]), [2, 0, 3, 1, 4]);
  const part = (i) => e.reshape(e.slice(split, [i, 0, 0, 0, 0], [1, B, H, T, depth]), [B , H, T, depth]);
  const scores = e.mul(e.matMul(part(0), part(1), { transposeB: true }), 1 / Math.sqrt(depth));
  const mixed = e.matMul(e.softmax(e.add(scores, s.bias)), part(2));
  return e.transpose(mixed, [0, 2, 1, 3]);}
time('mul N,W',{a:rnd([N,W])},(s,i)=>e.mul(s.a,i+1));
time('mul N,3W',{a:rnd([N,3*W])},(s,i)=>e.mul(s.a,i+1));
time('attention',{a:rnd([B,T,3*W]),bias:rnd([H,T,T])},comp);
time('qkv',{a:rnd([N,W]),b:rnd([W,3*W])},(s,i)=>e.matMul(e.mul(s.a,i+1),s.b));
time('out',{a:rnd([N,W]),b:rnd([W,W])},(s,i)=>e.matMul(e.mul(s.a,i+1),s.b));
time('up',{a:rnd([N,W]),b:rnd([W,2*W])},(s,i)=>e.matMul(e.mul(s.a,i+1),s.b));
time('biasAdd N,3W',{a:rnd([N,3*W]),b:rnd([3*W])},(s,i)=>e.biasAdd(e.mul(s.a,i+1),s.b));
time('LN',{a:rnd([N,W]),b:rnd([W])},(s,i)=>e.layerNorm(e.mul(s.a,i+1),s.b,s.b));
time('head',{a:rnd([B*25,W]),b:rnd([W,256])},(s,i)=>e.matMul(e.mul(s.a,i+1),s.b));
time('argmax',{a:rnd([B*25,256])},(s,i)=>e.toFloat(e.argMax(e.mul(s.a,i+1),{axis:-1})));
time('mul B*25,256',{a:rnd([B*25,256])},(s,i)=>e.mul(s.a,i+1));
time('stem conv 64->64',{a:rnd([B,5,5,64]),b:rnd([3,3,64,64])},(s,i)=>e.conv2d(e.mul(s.a,i+1),s.b));
time('concat',{a:rnd([B,25,W]),b:rnd([B,1,W])},(s,i)=>e.concat([e.mul(s.a,i+1),s.b],{axis:1}));
time('gather',{a:rnd([256,W]),i:ndarray('int32',[B*25])},(s,i)=>e.gather(e.mul(s.a,i+1),s.i));
time('relu',{a:rnd([N,2*W])},(s,i)=>e.relu(e.mul(s.a,i+1)));
