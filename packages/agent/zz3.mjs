import { createEngine } from '@tessera/engine/node';
import { TokenGenerator, initCausalTransformer } from '@tessera/agent';
import { ndarray, npRandom } from '@tessera/core';
const eng = await createEngine({backend:'tensorflow'});
for (const [length, before] of [[340,0],[340,324],[17,0]]) {
const config={ vocabulary: 512, length, width: 256, layers: 4, heads: 4 };
const g = new TokenGenerator(eng, initCausalTransformer(npRandom(0),config), config, {batch:64});
const last=ndarray('int32',[64,1]);
if(before) g.append(ndarray('int32',[64,before]));
const r=npRandom(1);
const f=()=>{g.rewind(before);g.generate(last,{count:16,generator:r})};
for(let i=0;i<3;i++)f();
const ts=[];for(let i=0;i<9;i++){const t=performance.now();f();ts.push(performance.now()-t)}
ts.sort((a,b)=>a-b);console.log(length,before,ts[4].toFixed(1),'ms/frame');
g.dispose();}
